"""What the scheduler and its workers answer, as Python has it."""
import pickle


def key_of(key):
    return tuple(map(key_of, key)) if isinstance(key, list) else key


def lines_of(log):
    return tuple(map(tuple, log))


def pairs_of(answer):
    """The items of a map, which is a list of pairs when its keys are more than texts."""
    return answer.items() if isinstance(answer, dict) else [(key_of(key), value) for key, value in answer]


def raised_in(answer):
    """The exception in a worker's answer."""
    problem = answer.get("exception")
    try:
        problem = pickle.loads(problem) if isinstance(problem, bytes) else problem
    except Exception:
        problem = None
    return problem if isinstance(problem, BaseException) else RuntimeError(str(answer.get("exception_text", answer)))
