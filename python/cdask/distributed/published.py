"""What a client has the scheduler keep for others: datasets and metadata.   Source: distributed.client.Client."""
import collections.abc
import uuid

from .. import _collections, _values
from .answers import key_of
from .futures import futures_of

NO_DEFAULT = "__no_default__"


class Datasets(collections.abc.MutableMapping):
    """What is published at a client's scheduler, as a mapping; see :attr:`Client.datasets`.

    Parameters
    ----------
    client : Client
    """

    __slots__ = ("_client",)

    def __init__(self, client):
        if client.asynchronous:
            raise TypeError("an asynchronous client's datasets have to be awaited: see list_datasets()")
        self._client = client

    def __getitem__(self, name):
        return self._client.get_dataset(name)

    def __setitem__(self, name, thing):
        self._client.publish_dataset(thing, name=name)

    def __delitem__(self, name):
        self._client.unpublish_dataset(name)

    def __iter__(self):
        return iter(self._client.list_datasets())

    def __len__(self):
        return len(self._client.list_datasets())

    def __contains__(self, name):
        return name in self._client.list_datasets()


class Publishing:
    """What a client leaves for others."""

    @property
    def datasets(self):
        """What is published, as a mapping of names and things.

        Returns
        -------
        Datasets
        """
        return Datasets(self)

    def publish_dataset(self, *args, name=None, override=False, **kwargs):
        """Has the scheduler keep futures, and what has futures inside, under names for other clients. What is lazy
        is persisted.

        Follows :meth:`dask.distributed.Client.publish_dataset`.

        Parameters
        ----------
        *args
            What to publish as `name`, or a dict of names and things.
        name : str, int, float or tuple, optional
        override : bool
            Whether one of the same name is replaced.
        **kwargs
            Things by their names.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.

        Raises
        ------
        KeyError
            There is one of that name.
        """
        things = dict(kwargs)
        if name is not None:
            if not args:
                raise ValueError("If name is provided, expecting call signature like publish_dataset(df, name='ds')")
            things[name] = args[0] if len(args) == 1 else args
        elif args:
            if len(args) != 1 or not isinstance(args[0], dict):
                raise ValueError("If name is omitted, positional argument must be a {name: value} dict")
            things.update(args[0])
        return self._do(lambda: self._publish(things, override))

    def _publish(self, things, override):
        # What is lazy is begun, as other clients are to find results.
        things = dict(zip(things, _collections.persist(*things.values(), scheduler=self)))
        uid = uuid.uuid4().hex
        self._say("publish_flush_batched_send", uid=uid)
        self._ask("publish_put", names=list(things), override=override, client=self.id, uid=uid,
                  keys=[[future.key for future in futures_of(thing)] for thing in things.values()],
                  data=[_values.Whole(thing) for thing in things.values()])

    def get_dataset(self, name, default=NO_DEFAULT, **kwargs):
        """What is published under a name.

        Follows :meth:`dask.distributed.Client.get_dataset`.

        Parameters
        ----------
        name : str, int, float or tuple, or a list of them
        default : object, optional
            For names that there are not.
        **kwargs
            Accepted as Dask's.

        Returns
        -------
        object
            A list for a list. Or a coroutine, if the client is asynchronous.

        Raises
        ------
        KeyError
            There is none of that name.
        """
        def work():
            names = name if isinstance(name, list) else [name]
            found = []
            with self.as_current():
                answers = self._ask("publish_get", names=names)
            for answer in answers:
                if answer is None and default is NO_DEFAULT:
                    raise KeyError(f"Dataset '{name}' not found")
                found.append(default if answer is None else answer["data"])
            return found if isinstance(name, list) else found[0]
        return self._do(work)

    def list_datasets(self, **kwargs):
        """The names of what is published.

        Follows :meth:`dask.distributed.Client.list_datasets`.

        Parameters
        ----------
        **kwargs
            Accepted as Dask's.

        Returns
        -------
        tuple
            Or a coroutine, if the client is asynchronous.
        """
        return self._do(lambda: tuple(map(key_of, self._ask("publish_list"))))

    def unpublish_dataset(self, name, **kwargs):
        """Forgets what is published under a name.

        Follows :meth:`dask.distributed.Client.unpublish_dataset`.

        Parameters
        ----------
        name : str, int, float or tuple, or a list of them
        **kwargs
            Accepted as Dask's.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        def work():
            uid = uuid.uuid4().hex
            self._say("publish_flush_batched_send", uid=uid)
            self._ask("publish_delete", names=name if isinstance(name, list) else [name], client=self.id, uid=uid)
        return self._do(work)

    def set_metadata(self, key, value):
        """Has the scheduler keep a value.

        Follows :meth:`dask.distributed.Client.set_metadata`.

        Parameters
        ----------
        key : str or list
            A path, for several.
        value : object
            Text, numbers, lists and dicts of them.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        return self._do(lambda: self._ask("set_metadata", keys=key if isinstance(key, list) else [key], value=value))

    def get_metadata(self, keys, default=NO_DEFAULT):
        """What :meth:`set_metadata` has put there.

        Follows :meth:`dask.distributed.Client.get_metadata`.

        Parameters
        ----------
        keys : str or list
        default : object, optional
            For what there is not.

        Returns
        -------
        object
            Or a coroutine, if the client is asynchronous.

        Raises
        ------
        KeyError
            There is nothing.
        """
        fields = {} if default is NO_DEFAULT else {"default": default}

        def work():
            return self._ask("get_metadata", keys=keys if isinstance(keys, list) else [keys], **fields)
        return self._do(work)
