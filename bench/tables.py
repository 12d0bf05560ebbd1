"""Tables in Markdown. A verdict is (target, met)."""
import sys

from contenders import with_version


def print_table(title, heads, rows):
    print(f"\n### {title}\n")
    print("| " + " | ".join(heads) + " |")
    print("|---" + "|---:" * (len(heads) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    sys.stdout.flush()


def at_least(ratio, least):
    if least is None:
        return "", ""
    shown = f">= {least:.2g} x"
    return (shown, "") if ratio is None else (shown, "yes" if ratio >= least else "**no**")


def at_most(value, most, unit):
    if most is None:
        return "", ""
    return f"<= {most:,} {unit}", "yes" if value <= most else "**no**"


def comparison(turns, values, show, verdict, own="cdask"):
    """The rows of one table: `values` by label, and `verdict(label, value, ratio)` to that of the label `own`."""
    own = values.get(own)
    rows = []
    for label, value in values.items():
        ratio = value / own if own else None
        rows.append([with_version(turns, label), show(value), f"{ratio:.2f}" if ratio else "-",
                     *verdict(label, value, ratio)])
    return rows
