"""Functions over partitions whose results do not depend on how the rows are cut."""


def same(partition):
    return partition


def missing(partition):
    return partition.isna()


def doubled(partition):
    return partition + partition


def renamed(partition):
    return partition.rename("renamed")


def known(partition):
    return partition[partition.notna()]


def backwards(partition):
    return partition[list(partition.columns)[::-1]]


def counted(partition):
    return partition.assign(counted=partition.notna().sum(axis=1))


def plus(partition, number, factor=1):
    return partition + number * factor


def rows(partition):
    return len(partition)


def broken(partition):
    raise KeyError("broken on purpose")
