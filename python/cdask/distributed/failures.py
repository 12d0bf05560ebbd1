"""What the scheduler says of tasks that it has given up.   Source: distributed.scheduler."""


class KilledWorker(Exception):
    """All workers that ran a task have died of it.

    Parameters
    ----------
    task : str, int, float or tuple
        Its key.
    last_worker : object
        Has the `address` of the last one.
    allowed_failures : int
        How many workers it might have cost.
    """

    def __init__(self, task, last_worker, allowed_failures):
        super().__init__(task, last_worker, allowed_failures)
        self.task, self.last_worker, self.allowed_failures = task, last_worker, allowed_failures

    def __str__(self):
        return (f"Attempted to run task {self.task!r} on {self.allowed_failures + 1} different workers, but all those "
                f"workers died while running it. The last worker that attempt to run the task was "
                f"{self.last_worker.address}. The logs of the workers may tell why")


class NoWorkerError(Exception):
    """There was no worker for a task in time.

    Parameters
    ----------
    task : str, int, float or tuple
        Its key.
    timeout : number
        How many seconds it has waited.
    """

    def __init__(self, task, timeout):
        super().__init__(task, timeout)
        self.task, self.timeout = task, timeout

    def __str__(self):
        return (f"Attempted to run task {self.task!r} but timed out after {self.timeout:g} s waiting without any "
                "running workers")


class NoValidWorkerError(Exception):
    """There were workers, but none in time that a task may be run on.

    Parameters
    ----------
    task : str, int, float or tuple
        Its key.
    host_restrictions : set of str
        Hosts that may run it.
    worker_restrictions : set of str
        Workers that may.
    resource_restrictions : dict
        What it needs of workers.
    timeout : number
        How many seconds it has waited.
    """

    def __init__(self, task, host_restrictions, worker_restrictions, resource_restrictions, timeout):
        super().__init__(task, host_restrictions, worker_restrictions, resource_restrictions, timeout)
        self.task, self.timeout = task, timeout
        self.host_restrictions, self.worker_restrictions = host_restrictions, worker_restrictions
        self.resource_restrictions = resource_restrictions

    def __str__(self):
        return (f"Attempted to run task {self.task!r} but timed out after {self.timeout:g} s waiting for a valid "
                f"worker matching all restrictions.\n\nRestrictions:\nhost_restrictions={self.host_restrictions}\n"
                f"worker_restrictions={self.worker_restrictions}\n"
                f"resource_restrictions={self.resource_restrictions}\n")
