"""The C API, name for name: what include/cdask/*.h declares, as ctypes sees it.

Types, constants and functions have the names they have in C and stand in the order of the headers,
which document them; tests/test_abi.py compares the two. Python's words come on top of this, in the
other modules.

A function is called in one of two ways. `keep` holds the interpreter lock: for what is over at
once. `release` lets it go: for what reads files, waits for others, or goes through as many rows,
tasks or bytes as there are. A function that holds a lock of the library while it may call back into
Python has to be of the first kind (dk_delayed), or two threads could wait for each other.

A `const char *` result arrives as bytes, or None. Where the length comes separately the text is not
terminated, and its address arrives: ctypes.string_at(address, nbytes.value).
"""
import ctypes
from ctypes import (CFUNCTYPE, POINTER, Structure, Union, c_bool, c_char, c_char_p, c_double, c_int,
                    c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p)

from . import _library

PATH = _library.find()
release = ctypes.CDLL(PATH, ctypes.RTLD_GLOBAL)  # for libraries of tasks that workers load
keep = ctypes.PyDLL(PATH, handle=release._handle)


def functions(library, **prototypes):
    """Defines functions of `library` by name: the type of the result, then those of the arguments."""
    for name, (result, *arguments) in prototypes.items():
        try:
            function = library[name]
        except AttributeError:
            raise ImportError(f"{PATH} is of another version: it has no {name}()") from None
        function.restype, function.argtypes = result, arguments
        globals()[name] = function


# status.h

dk_status = c_int
(DK_OK, DK_ENOMEM, DK_EINVAL, DK_EIO, DK_ENOFILE, DK_EPARSE, DK_ETYPE, DK_ECOLUMN, DK_EKEY,
 DK_ENOTSUP, DK_ECANCELED, DK_ETASK, DK_ECRASH, DK_ECYCLE, DK_EOVERFLOW,
 DK_EALIGN) = range(0, -16, -1)
DK_ERROR_MESSAGE_MAX = 1024
DK_ERROR_KEY_MAX = 128


class dk_error(Structure):
    _fields_ = [("status", dk_status), ("line", c_int64), ("key", c_char * DK_ERROR_KEY_MAX),
                ("message", c_char * DK_ERROR_MESSAGE_MAX)]


error_p = POINTER(dk_error)

functions(
    keep,
    dk_status_text=(c_char_p, dk_status),
    dk_status_name=(c_char_p, dk_status),
)

# memory.h


class dk_allocator(Structure):
    _fields_ = [("resize", CFUNCTYPE(c_void_p, c_void_p, c_void_p, c_size_t, c_size_t)),
                ("self", c_void_p)]


class dk_memory_use(Structure):
    _fields_ = [("current", c_int64), ("peak", c_int64), ("limit", c_int64), ("blocks", c_int64)]


# context.h


class dk_context(Structure):
    pass


class dk_fork_hooks(Structure):
    _fields_ = [("lock", CFUNCTYPE(c_int)), ("before", CFUNCTYPE(None)),
                ("in_parent", CFUNCTYPE(None)), ("in_child", CFUNCTYPE(None)),
                ("unlock", CFUNCTYPE(None, c_int))]


class dk_options(Structure):
    _fields_ = [("allocator", POINTER(dk_allocator)), ("memory_limit", c_int64),
                ("scheduler", c_char_p), ("num_workers", c_int32),
                ("fork_hooks", POINTER(dk_fork_hooks))]


context_p = POINTER(dk_context)

functions(
    release,
    dk_open_with=(dk_status, POINTER(dk_options), POINTER(context_p), error_p),
    dk_open=(context_p, POINTER(dk_options)),
    dk_close=(None, context_p),
)
functions(
    keep,
    dk_context_memory=(dk_memory_use, context_p),
)

# command.h

functions(
    release,
    dk_main=(c_int, context_p, c_int, POINTER(c_char_p)),
)

# table.h

dk_type = c_int
(DK_BOOL, DK_INT8, DK_INT16, DK_INT32, DK_INT64, DK_UINT64, DK_FLOAT32, DK_FLOAT64, DK_TIMESTAMP,
 DK_DURATION, DK_TEXT, DK_CATEGORY, DK_TYPE_COUNT) = range(13)


class dk_table(Structure):
    pass


class dk_print_options(Structure):
    _fields_ = [("max_rows", c_int32), ("min_rows", c_int32), ("width", c_int32)]


table_p = POINTER(dk_table)
text_out = POINTER(c_char_p)  # the library's string: dk_text_free() takes what was filled in

functions(
    keep,
    dk_type_name=(c_char_p, dk_type),
    dk_table_ref=(table_p, table_p),
    dk_table_nrows=(c_int64, table_p),
    dk_table_ncolumns=(c_int32, table_p),
    dk_table_is_series=(c_bool, table_p),
    dk_table_nbytes=(c_int64, table_p),
    dk_table_column_name=(c_char_p, table_p, c_int32),
    dk_table_column_type=(dk_type, table_p, c_int32),
    dk_table_find_column=(c_int32, table_p, c_char_p),
    dk_table_index_name=(c_char_p, table_p),
    dk_table_index_type=(dk_type, table_p),
    dk_table_is_missing=(c_bool, table_p, c_int32, c_int64),
    dk_table_float=(c_double, table_p, c_int32, c_int64),
    dk_table_int=(c_int64, table_p, c_int32, c_int64),
    dk_table_text=(c_void_p, table_p, c_int32, c_int64, POINTER(c_size_t)),
    dk_text_free=(None, c_char_p),
)
functions(
    release,
    dk_table_unref=(None, table_p),
    dk_table_format=(dk_status, table_p, POINTER(dk_print_options), text_out, error_p),
)

# csv.h


class dk_names(Structure):
    _fields_ = [("names", POINTER(c_char_p)), ("count", c_size_t)]


class dk_column_type(Structure):
    _fields_ = [("name", c_char_p), ("type", dk_type)]


class dk_csv_options(Structure):
    _fields_ = [("parse_dates", dk_names), ("dtype", POINTER(dk_column_type)), ("ndtype", c_size_t),
                ("usecols", dk_names), ("names", dk_names), ("header", c_bool),
                ("na_values", dk_names), ("keep_default_na_off", c_bool), ("sep", c_char),
                ("blocksize", c_int64), ("include_path_column", c_char_p), ("infer_all", c_bool),
                ("sample", c_int64), ("assume_missing", c_bool)]


class dk_to_csv_options(Structure):
    _fields_ = [("sep", c_char), ("no_header", c_bool), ("no_index", c_bool), ("na_rep", c_char_p)]


# arrow.h

ARROW_FLAG_DICTIONARY_ORDERED, ARROW_FLAG_NULLABLE, ARROW_FLAG_MAP_KEYS_SORTED = 1, 2, 4


class ArrowSchema(Structure):
    pass


ArrowSchema._fields_ = [("format", c_char_p), ("name", c_char_p), ("metadata", c_char_p),
                        ("flags", c_int64), ("n_children", c_int64),
                        ("children", POINTER(POINTER(ArrowSchema))),
                        ("dictionary", POINTER(ArrowSchema)),
                        ("release", CFUNCTYPE(None, POINTER(ArrowSchema))),
                        ("private_data", c_void_p)]


class ArrowArray(Structure):
    pass


ArrowArray._fields_ = [("length", c_int64), ("null_count", c_int64), ("offset", c_int64),
                       ("n_buffers", c_int64), ("n_children", c_int64),
                       ("buffers", POINTER(c_void_p)), ("children", POINTER(POINTER(ArrowArray))),
                       ("dictionary", POINTER(ArrowArray)),
                       ("release", CFUNCTYPE(None, POINTER(ArrowArray))),
                       ("private_data", c_void_p)]

functions(
    release,
    dk_table_to_arrow=(dk_status, table_p, POINTER(ArrowSchema), POINTER(ArrowArray), error_p),
    dk_table_from_arrow=(dk_status, context_p, POINTER(ArrowSchema), POINTER(ArrowArray), c_char_p,
                         POINTER(table_p), error_p),
)

# value.h

dk_kind = c_int
(DK_KIND_NULL, DK_KIND_BOOL, DK_KIND_INT, DK_KIND_FLOAT, DK_KIND_TEXT, DK_KIND_BYTES, DK_KIND_LIST,
 DK_KIND_MAP, DK_KIND_TABLE, DK_KIND_OBJECT, DK_KIND_TASK) = range(11)


class dk_block(Structure):
    pass


class dk_value_as(Union):
    _fields_ = [("boolean", c_bool), ("integer", c_int64), ("real", c_double),
                ("block", POINTER(dk_block)), ("table", table_p), ("task", c_uint32)]


class dk_value(Structure):
    """The union is kept as its bits, since ctypes passes no union by value; `as_` looks into it."""

    _fields_ = [("kind", dk_kind), ("bits", c_uint64)]

    @property
    def as_(self):
        return dk_value_as.from_buffer(self, dk_value.bits.offset)


def dk_value_null():
    return dk_value()


def dk_value_bool(boolean):
    return dk_value(DK_KIND_BOOL, bool(boolean))


def dk_value_int(integer):
    return dk_value(DK_KIND_INT, integer)


def dk_value_float(real):
    value = dk_value(DK_KIND_FLOAT)
    value.as_.real = real
    return value


def dk_value_table(table):
    value = dk_value(DK_KIND_TABLE)
    value.as_.table = table
    return value


value_p = POINTER(dk_value)


class dk_parts(Structure):
    pass


class dk_part(Structure):
    _fields_ = [("data", c_void_p), ("nbytes", c_size_t)]


class dk_object_type(Structure):
    _fields_ = [("name", c_char_p), ("free", CFUNCTYPE(None, c_void_p)),
                ("pack", CFUNCTYPE(dk_status, context_p, c_void_p, value_p, error_p)),
                ("unpack", CFUNCTYPE(dk_status, context_p, c_void_p, c_size_t, POINTER(c_void_p),
                                     error_p)),
                ("nbytes", CFUNCTYPE(c_int64, c_void_p)), ("is_pickle", c_bool),
                ("pack_parts", CFUNCTYPE(dk_status, context_p, c_void_p, POINTER(dk_parts), error_p)),
                ("unpack_parts", CFUNCTYPE(dk_status, context_p, POINTER(dk_part), c_size_t, POINTER(c_void_p),
                                           error_p))]


functions(
    keep,
    dk_value_text=(dk_status, context_p, c_char_p, c_size_t, value_p),
    dk_value_bytes=(dk_status, context_p, c_void_p, c_size_t, value_p),
    dk_value_list=(dk_status, context_p, value_p, c_size_t, value_p),
    dk_value_map=(dk_status, context_p, value_p, c_size_t, value_p),
    dk_value_object=(dk_status, context_p, POINTER(dk_object_type), c_void_p, value_p),
    dk_register_type=(dk_status, context_p, POINTER(dk_object_type), error_p),
    dk_parts_add=(dk_status, POINTER(dk_parts), c_void_p, c_size_t, CFUNCTYPE(None, c_void_p), c_void_p),
    dk_value_ref=(dk_value, dk_value),
    dk_value_data=(c_void_p, dk_value, POINTER(c_size_t)),
    dk_value_items=(value_p, dk_value, POINTER(c_size_t)),
    dk_value_find=(dk_value, dk_value, c_char_p),
    dk_value_as_object=(c_void_p, dk_value, POINTER(dk_object_type)),
    dk_value_nbytes=(c_int64, dk_value),
    dk_kind_name=(c_char_p, dk_kind),
)
functions(
    release,
    dk_value_unref=(None, dk_value),
)

# graph.h


class dk_task(Structure):
    pass


class dk_graph(Structure):
    pass


class dk_profile(Structure):
    pass


class dk_key(Structure):
    _fields_ = [("name", c_char_p), ("index", c_int64)]


DK_NO_INDEX = -2**63


def dk_key_text(name):
    return dk_key(name, DK_NO_INDEX)


def dk_key_at(name, index):
    return dk_key(name, index)


class dk_task_id(Structure):
    _fields_ = [("id", c_uint32)]


def dk_value_task(task):
    return dk_value(DK_KIND_TASK, task.id)


task_p, graph_p, task_id_p = POINTER(dk_task), POINTER(dk_graph), POINTER(dk_task_id)


class dk_task_event(Structure):
    _fields_ = [("graph", graph_p), ("task", dk_task_id), ("function", c_char_p),
                ("worker", c_int32), ("start_ns", c_int64), ("end_ns", c_int64),
                ("status", dk_status), ("result_nbytes", c_int64)]


class dk_callbacks(Structure):
    _fields_ = [("start", CFUNCTYPE(None, c_void_p, graph_p, c_size_t)),
                ("pretask", CFUNCTYPE(None, c_void_p, POINTER(dk_task_event))),
                ("posttask", CFUNCTYPE(None, c_void_p, POINTER(dk_task_event))),
                ("finish", CFUNCTYPE(None, c_void_p, graph_p, dk_status)),
                ("self", c_void_p)]


class dk_client(Structure):
    pass


class dk_submit_options(Structure):
    _fields_ = [("key", c_char_p), ("priority", c_int64), ("retries", c_int32),
                ("workers", POINTER(c_char_p)), ("nworkers", c_size_t),
                ("allow_other_workers", c_bool), ("resources", POINTER(c_char_p)),
                ("amounts", POINTER(c_double)), ("nresources", c_size_t),
                ("as_named", c_bool)]


class dk_get_options(Structure):
    _fields_ = [("num_workers", c_int32), ("callbacks", POINTER(dk_callbacks)),
                ("ncallbacks", c_size_t), ("profile", POINTER(dk_profile)),
                ("cancel", POINTER(c_int)), ("no_fuse", c_bool), ("raised", value_p),
                ("client", POINTER(dk_client)), ("submit", POINTER(dk_submit_options))]


dk_function = CFUNCTYPE(dk_status, task_p, value_p, c_size_t, value_p, error_p)
dk_get = CFUNCTYPE(dk_status, context_p, graph_p, task_id_p, c_size_t, POINTER(dk_get_options),
                   value_p, error_p)

functions(
    release,
    dk_task_secede=(None, task_p),
    dk_task_rejoin=(None, task_p),
)

functions(
    keep,
    dk_task_context=(context_p, task_p),
    dk_task_user=(c_void_p, task_p),
    dk_task_is_cancelled=(c_bool, task_p),
    dk_task_worker=(c_char_p, task_p), dk_task_folder=(c_char_p, task_p), dk_task_worker_name=(c_char_p, task_p),
    dk_task_worker_nthreads=(c_uint32, task_p),
    dk_task_scheduler=(c_char_p, task_p),
    dk_task_raise=(dk_status, task_p, c_void_p, c_size_t, c_void_p, c_size_t),
    dk_register=(dk_status, context_p, c_char_p, dk_function, c_void_p, error_p),
    dk_graph_new=(dk_status, context_p, POINTER(graph_p)),
    dk_graph_task=(dk_status, graph_p, dk_key, task_id_p),
    dk_graph_add=(dk_status, graph_p, dk_key, c_char_p, value_p, c_size_t, task_id_p, error_p),
    dk_graph_ntasks=(c_size_t, graph_p),
    dk_graph_key_text=(None, graph_p, dk_task_id, c_char_p),
    dk_find_scheduler=(dk_status, c_char_p, POINTER(dk_get), error_p),
    dk_scheduler_name=(c_char_p, dk_get),
)
functions(
    release,
    dk_graph_free=(None, graph_p),
    dk_graph_order=(dk_status, graph_p, task_id_p, c_size_t, task_id_p, POINTER(c_size_t), error_p),
    dk_graph_to_dot=(dk_status, graph_p, task_id_p, c_size_t, text_out, error_p),
)
# These are handed around as well: a dk_get to C, a function that releases the lock to Python.
dk_get_sync, dk_get_threads, dk_get_processes, dk_get_distributed = (
    dk_get((f"dk_get_{name}", release)) for name in ("sync", "threads", "processes", "distributed"))

# frame.h


class dk_expression(Structure):
    pass


class dk_frame(Structure):
    _fields_ = [("dk", context_p), ("expression", POINTER(dk_expression))]


class dk_compute_options(Structure):
    _fields_ = [("scheduler", c_char_p), ("get", dk_get), ("run", dk_get_options),
                ("error", error_p)]


frame_p, compute_options_p = POINTER(dk_frame), POINTER(dk_compute_options)
of_frame, of_two_frames = (dk_frame, dk_frame), (dk_frame, dk_frame, dk_frame)

functions(
    keep,
    dk_forget=(None, dk_frame),
)
functions(
    release,
    dk_read_csv=(dk_frame, context_p, c_char_p, POINTER(dk_csv_options)),
    dk_read_csv_list=(dk_frame, context_p, dk_names, POINTER(dk_csv_options)),
    dk_from_table=(dk_frame, context_p, table_p, c_int32),
)
functions(
    keep,
    dk_bool=(dk_frame, context_p, c_bool),
    dk_int=(dk_frame, context_p, c_int64),
    dk_float=(dk_frame, context_p, c_double),
    dk_text=(dk_frame, context_p, c_char_p),
    dk_timestamp=(dk_frame, context_p, c_int64),
    dk_duration=(dk_frame, context_p, c_int64),
    dk_col=(dk_frame, dk_frame, c_char_p),
    dk_select=(dk_frame, dk_frame, dk_names),
    dk_assign=(dk_frame, dk_frame, c_char_p, dk_frame),
    dk_rename=(dk_frame, dk_frame, c_char_p),
    dk_filter=of_two_frames,
    dk_add=of_two_frames,
    dk_sub=of_two_frames,
    dk_mul=of_two_frames,
    dk_div=of_two_frames,
    dk_floordiv=of_two_frames,
    dk_mod=of_two_frames,
    dk_pow=of_two_frames,
    dk_eq=of_two_frames,
    dk_ne=of_two_frames,
    dk_lt=of_two_frames,
    dk_le=of_two_frames,
    dk_gt=of_two_frames,
    dk_ge=of_two_frames,
    dk_and=of_two_frames,
    dk_or=of_two_frames,
    dk_xor=of_two_frames,
    dk_neg=of_frame,
    dk_abs=of_frame,
    dk_not=of_frame,
    dk_isna=of_frame,
    dk_notna=of_frame,
    dk_astype=(dk_frame, dk_frame, dk_type),
    dk_dt_round=(dk_frame, dk_frame, c_char_p),
    dk_dt_floor=(dk_frame, dk_frame, c_char_p),
    dk_dt_ceil=(dk_frame, dk_frame, c_char_p),
    dk_dt=(dk_frame, dk_frame, c_char_p),
    dk_groupby=of_two_frames,
    dk_groupby_column=(dk_frame, dk_frame, c_char_p),
    dk_sum=of_frame,
    dk_min=of_frame,
    dk_max=of_frame,
    dk_mean=of_frame,
    dk_count=of_frame,
    dk_first=of_frame,
    dk_last=of_frame,
    dk_std=of_frame,
    dk_var=of_frame,
    dk_nunique=of_frame,
    dk_size=of_frame,
    dk_aggregate=(dk_frame, dk_frame, c_char_p),
    dk_delayed=(dk_frame, context_p, c_char_p, value_p, c_size_t),
    dk_lazy=(dk_value, dk_frame),
    dk_map_partitions=(dk_frame, dk_frame, c_char_p, value_p, c_size_t, table_p),
    dk_frame_error=(error_p, dk_frame),
    dk_frame_npartitions=(c_int32, dk_frame),
    dk_frame_ncolumns=(c_int32, dk_frame),
    dk_frame_column_name=(c_char_p, dk_frame, c_int32),
    dk_frame_column_type=(dk_type, dk_frame, c_int32),
    dk_frame_index_name=(c_char_p, dk_frame),
    dk_frame_index_type=(dk_type, dk_frame),
    dk_frame_format=(dk_status, dk_frame, text_out, error_p),
)
functions(
    release,
    dk_frame_divisions=(dk_status, dk_frame, POINTER(table_p), error_p),
    dk_explain=(dk_status, frame_p, c_size_t, text_out, error_p),
    dk_compute=(dk_status, dk_frame, compute_options_p, POINTER(table_p)),
    dk_compute_many=(dk_status, frame_p, c_size_t, compute_options_p, POINTER(table_p)),
    dk_persist=(dk_status, frame_p, c_size_t, compute_options_p, frame_p),
    dk_frame_description=(dk_status, dk_frame, value_p, error_p),
    dk_adopt=(dk_frame, context_p, dk_value, table_p, value_p, c_size_t),
    dk_compute_values=(dk_status, frame_p, c_size_t, compute_options_p, value_p),
    dk_head=(dk_status, dk_frame, c_int64, compute_options_p, POINTER(table_p)),
    dk_frame_graph=(dk_status, frame_p, c_size_t, POINTER(graph_p), task_id_p, error_p),
    dk_table_to_csv=(dk_status, table_p, c_char_p, POINTER(dk_to_csv_options), error_p),
)

# interrupt.h


class dk_interrupt(Structure):
    _fields_ = [("place", c_int)]


functions(
    keep,
    dk_interrupt_begin=(dk_status, POINTER(c_int), POINTER(dk_interrupt), error_p),
    dk_interrupt_end=(None, POINTER(dk_interrupt)),
)

# diagnostics.h


class dk_progress(Structure):
    pass


class dk_recorder(Structure):
    pass


class dk_resources(Structure):
    pass


class dk_stacks(Structure):
    pass


class dk_progress_options(Structure):
    _fields_ = [("minimum_s", c_double), ("dt_s", c_double), ("width", c_int32), ("force", c_bool)]


class dk_profile_line(Structure):
    _fields_ = [("name", c_char_p), ("is_kernel", c_bool), ("calls", c_int64),
                ("total_ns", c_int64), ("self_ns", c_int64), ("wait_ns", c_int64),
                ("nrows", c_int64), ("nbytes", c_int64)]


class dk_profile_summary(Structure):
    _fields_ = [("wall_s", c_double), ("user_s", c_double), ("system_s", c_double),
                ("busy_s", c_double), ("utilisation", c_double), ("num_workers", c_int32),
                ("ntasks", c_int64), ("is_incomplete", c_bool)]


class dk_task_record(Structure):
    _fields_ = [("key", c_char_p), ("function", c_char_p), ("worker", c_int32),
                ("status", dk_status), ("start_ns", c_int64), ("end_ns", c_int64),
                ("result_nbytes", c_int64)]


class dk_resource_reading(Structure):
    _fields_ = [("time_ns", c_int64), ("cpu_percent", c_double), ("rss_nbytes", c_int64),
                ("ledger_nbytes", c_int64), ("nchildren", c_int32)]


class report_begin(Structure):
    _fields_ = [("context", context_p), ("wall_ns", c_int64), ("user_ns", c_int64),
                ("system_ns", c_int64), ("read_nbytes", c_int64)]


class dk_report(Structure):
    _fields_ = [("wall_s", c_double), ("user_s", c_double), ("system_s", c_double),
                ("ntasks", c_int64), ("read_nbytes", c_int64), ("peak_rss_nbytes", c_int64),
                ("peak_ledger_nbytes", c_int64), ("begin", report_begin)]


class dk_draw_options(Structure):
    _fields_ = [("color", c_char_p), ("direction", c_char_p), ("full_keys", c_bool)]


DK_REPORT_TEXT_MAX = 256

progress_p, profile_p, recorder_p = POINTER(dk_progress), POINTER(dk_profile), POINTER(dk_recorder)
resources_p, stacks_p, report_p = POINTER(dk_resources), POINTER(dk_stacks), POINTER(dk_report)

functions(
    keep,
    dk_progress_new=(dk_status, context_p, c_int, POINTER(dk_progress_options), POINTER(progress_p),
                     error_p),
    dk_progress_free=(None, progress_p),
    dk_progress_callbacks=(dk_callbacks, progress_p),
    dk_profile_new=(dk_status, context_p, POINTER(profile_p)),
    dk_profile_free=(None, profile_p),
    dk_profile_lines=(c_size_t, profile_p, POINTER(dk_profile_line), c_size_t),
    dk_profile_sum=(dk_profile_summary, profile_p),
    dk_profile_text=(dk_status, profile_p, text_out),
    dk_recorder_new=(dk_status, context_p, POINTER(recorder_p)),
    dk_recorder_callbacks=(dk_callbacks, recorder_p),
    dk_recorder_count=(c_size_t, recorder_p),
    dk_recorder_at=(dk_task_record, recorder_p, c_size_t),
    dk_recorder_ndropped=(c_int64, recorder_p),
    dk_resources_count=(c_size_t, resources_p),
    dk_resources_at=(dk_resource_reading, resources_p, c_size_t),
    dk_stacks_count=(c_size_t, stacks_p),
    dk_stacks_ndropped=(c_size_t, stacks_p),
    dk_report_begin=(None, context_p, report_p),
    dk_report_end=(None, report_p),
    dk_report_callbacks=(dk_callbacks, report_p),
    dk_report_text=(None, report_p, c_char_p),
)
functions(
    release,
    dk_recorder_free=(None, recorder_p),
    dk_recorder_csv=(dk_status, recorder_p, text_out),
    dk_recorder_json=(dk_status, recorder_p, text_out),
    dk_resources_start=(dk_status, context_p, c_double, POINTER(resources_p), error_p),
    dk_resources_stop=(None, resources_p),
    dk_resources_free=(None, resources_p),
    dk_resources_csv=(dk_status, resources_p, text_out),
    dk_stacks_start=(dk_status, context_p, c_double, c_int32, POINTER(stacks_p), error_p),
    dk_stacks_stop=(None, stacks_p),
    dk_stacks_free=(None, stacks_p),
    dk_stacks_text=(dk_status, stacks_p, text_out),
    dk_stacks_folded=(dk_status, stacks_p, text_out),
    dk_graph_draw=(dk_status, graph_p, task_id_p, c_size_t, POINTER(dk_draw_options), text_out,
                   error_p),
    dk_draw_dot=(dk_status, c_char_p, c_char_p, error_p),
    dk_draw_timeline=(dk_status, recorder_p, resources_p, c_char_p, error_p),
)

# distributed.h


class dk_cluster(Structure):
    pass


class dk_cluster_options(Structure):
    _fields_ = [("nworkers", c_int32), ("nthreads", c_int32), ("memory_limit", c_int64),
                ("no_workers", c_bool), ("host", c_char_p), ("port", c_int32),
                ("dashboard_address", c_char_p), ("lost", CFUNCTYPE(None, c_void_p, c_char_p)),
                ("self", c_void_p)]


class dk_worker_options(Structure):
    _fields_ = [("address", c_char_p), ("name", c_char_p), ("host", c_char_p), ("port", c_int32),
                ("nthreads", c_int32), ("memory_limit", c_int64), ("local_directory", c_char_p),
                ("death_timeout_s", c_double), ("tls_ca_file", c_char_p), ("tls_cert", c_char_p),
                ("tls_key", c_char_p), ("stop_fd", c_int), ("no_shared_memory", c_bool),
                ("log", CFUNCTYPE(None, c_void_p, c_char_p, c_char_p, c_char_p))]


class dk_future(Structure):
    pass


dk_direct = c_int
DK_DIRECT_AUTO, DK_DIRECT_YES, DK_DIRECT_NO = range(3)


class dk_client_options(Structure):
    _fields_ = [("address", c_char_p), ("timeout_s", c_double), ("tls_ca_file", c_char_p),
                ("tls_cert", c_char_p), ("tls_key", c_char_p), ("no_default", c_bool),
                ("direct_to_workers", dk_direct)]


class dk_wait_options(Structure):
    _fields_ = [("timeout_s", c_double), ("has_timeout", c_bool), ("cancel", POINTER(c_int))]


class dk_cancel_options(Structure):
    _fields_ = [("force", c_bool), ("reason", c_char_p), ("msg", c_char_p)]


dk_future_status = c_int
DK_FUTURE_PENDING, DK_FUTURE_FINISHED, DK_FUTURE_ERROR, DK_FUTURE_CANCELLED = range(4)


cluster_p, client_p, future_p = POINTER(dk_cluster), POINTER(dk_client), POINTER(dk_future)
wait_options_p = POINTER(dk_wait_options)

functions(
    keep,
    dk_cluster_address=(c_char_p, cluster_p),
    dk_cluster_dashboard=(c_char_p, cluster_p),
    dk_client_address=(c_char_p, client_p),
    dk_client_id=(c_char_p, client_p),
    dk_client_is_connected=(c_bool, client_p),
    dk_future_state=(dk_future_status, future_p),
    dk_future_key=(c_char_p, future_p),
    dk_future_name=(dk_status, future_p, value_p),
    dk_future_raised=(c_bool, future_p, value_p),
    dk_future_watch=(None, future_p, c_int64),
    dk_client_end_watch=(None, client_p),
)
functions(
    release,
    dk_cluster_open=(dk_status, context_p, POINTER(dk_cluster_options), POINTER(cluster_p), error_p),
    dk_cluster_close=(None, cluster_p),
    dk_worker_run=(dk_status, context_p, POINTER(dk_worker_options), error_p),
    dk_client_open=(dk_status, context_p, POINTER(dk_client_options), POINTER(client_p), error_p),
    dk_client_close=(None, client_p), dk_client_disconnect=(None, client_p),
    dk_client_ask=(dk_status, client_p, dk_value, wait_options_p, value_p, error_p),
    dk_client_say=(dk_status, client_p, dk_value, error_p),
    dk_client_restart=(dk_status, client_p, c_double, c_bool, wait_options_p, error_p),
    dk_client_submit=(dk_status, client_p, c_char_p, value_p, c_size_t, POINTER(future_p), c_size_t,
                      POINTER(dk_submit_options), POINTER(future_p), error_p),
    dk_client_map=(dk_status, client_p, c_char_p, value_p, c_size_t, POINTER(dk_submit_options),
                   POINTER(future_p), error_p),
    dk_client_wait=(dk_status, client_p, POINTER(future_p), c_size_t, wait_options_p, error_p),
    dk_client_fire_and_forget=(dk_status, client_p, future_p, error_p),
    dk_client_scheduler_info=(dk_status, client_p, value_p, error_p),
    dk_client_nthreads=(dk_status, client_p, value_p, error_p),
    dk_client_who_has=(dk_status, client_p, POINTER(future_p), c_size_t, value_p, error_p),
    dk_client_has_what=(dk_status, client_p, POINTER(c_char_p), c_size_t, value_p, error_p),
    dk_client_scheduler_logs=(dk_status, client_p, c_int64, value_p, error_p),
    dk_client_worker_logs=(dk_status, client_p, c_int64, POINTER(c_char_p), c_size_t, c_bool, value_p, error_p),
    dk_client_retire_workers=(dk_status, client_p, POINTER(c_char_p), c_size_t, value_p, error_p),
    dk_client_run=(dk_status, client_p, c_char_p, value_p, c_size_t, POINTER(c_char_p), c_size_t,
                   value_p, error_p),
    dk_client_upload_file=(dk_status, client_p, c_char_p, error_p),
    dk_client_publish=(dk_status, client_p, c_char_p, POINTER(future_p), c_size_t, c_bool, error_p),
    dk_client_unpublish=(dk_status, client_p, c_char_p, error_p),
    dk_client_datasets=(dk_status, client_p, value_p, error_p),
    dk_client_dataset=(dk_status, client_p, c_char_p, POINTER(future_p), c_size_t, POINTER(c_size_t),
                       error_p),
    dk_client_scatter=(dk_status, client_p, dk_value, c_bool, POINTER(future_p), error_p),
    dk_client_gather=(dk_status, client_p, POINTER(future_p), c_size_t, value_p, error_p),
    dk_client_gather_with=(dk_status, client_p, POINTER(future_p), c_size_t, dk_direct, wait_options_p, value_p,
                           error_p),
    dk_client_compute=(dk_status, client_p, graph_p, task_id_p, c_size_t, POINTER(dk_submit_options),
                       POINTER(future_p), error_p),
    dk_graph_futures=(dk_status, graph_p, POINTER(future_p), POINTER(c_size_t)),
    dk_client_future=(dk_status, client_p, dk_value, POINTER(future_p), error_p),
    dk_future_client=(client_p, future_p),
    dk_future_wait=(dk_status, future_p, c_double, error_p),
    dk_future_result=(dk_status, future_p, value_p, error_p),
    dk_client_next_done=(dk_status, client_p, wait_options_p, POINTER(c_int64), error_p),
    dk_future_cancel=(dk_status, future_p, POINTER(dk_cancel_options), error_p),
    dk_future_retry=(dk_status, future_p, error_p),
    dk_future_free=(None, future_p), dk_future_kept=(dk_status, future_p, value_p),
)
