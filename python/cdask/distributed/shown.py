"""What notebooks show of clients and clusters."""
import html

UNITS = [("PiB", 2**50), ("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("kiB", 2**10)]


def bytes_text(count):
    """As Dask writes it: "23.54 GiB"."""
    for unit, size in UNITS:
        if count >= size * 0.9:
            return f"{count / size:.2f} {unit}"
    return f"{count} B"


def page_of(title, rows, summary, link):
    """A table with `rows`, and what there is of (address, workers, threads, memory) and of the dashboard's address."""
    if not summary:
        return f"<h3>{title}</h3><p>No scheduler connected</p>"
    address, nworkers, nthreads, memory = summary
    rows = [*rows, ("Scheduler", address), ("Workers", nworkers), ("Total threads", nthreads)]
    rows += [("Total memory", bytes_text(memory))] if memory else []
    lines = "".join(f"<tr><td><b>{name}:</b></td><td>{html.escape(str(text))}</td></tr>" for name, text in rows)
    if link:
        link = html.escape(link)
        lines += f"<tr><td><b>Dashboard:</b></td><td><a href='{link}' target='_blank'>{link}</a></td></tr>"
    return f"<h3>{title}</h3><table>{lines}</table>"
