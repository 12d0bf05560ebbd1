#include "column/kernels/convert.h"

#define CONVERT_PASTE(a, b) a##_to_##b
#define CONVERT_NAME(a, b)  CONVERT_PASTE(a, b)

#define FROM   truth
#define FROM_T uint8_t
#include "column/kernels/convert_from.inc.h"
#define FROM   int8
#define FROM_T int8_t
#include "column/kernels/convert_from.inc.h"
#define FROM   int16
#define FROM_T int16_t
#include "column/kernels/convert_from.inc.h"
#define FROM   int32
#define FROM_T int32_t
#include "column/kernels/convert_from.inc.h"
#define FROM   int64
#define FROM_T int64_t
#include "column/kernels/convert_from.inc.h"
#define FROM   uint64
#define FROM_T uint64_t
#include "column/kernels/convert_from.inc.h"
#define FROM   float32
#define FROM_T float
#include "column/kernels/convert_from.inc.h"
#define FROM   float64
#define FROM_T double
#include "column/kernels/convert_from.inc.h"

static const convert_fn *const conversions[DK_TYPE_COUNT] = {
    [DK_BOOL] = from_to_truth,      [DK_INT8] = from_to_int8,       [DK_INT16] = from_to_int16,
    [DK_INT32] = from_to_int32,     [DK_INT64] = from_to_int64,     [DK_UINT64] = from_to_uint64,
    [DK_FLOAT32] = from_to_float32, [DK_FLOAT64] = from_to_float64,
};

dk_type storage_type(dk_type type)
{
    if (type == DK_TIMESTAMP || type == DK_DURATION)
        return DK_INT64;
    return type == DK_CATEGORY ? DK_INT32 : type;
}

convert_fn convert_find(dk_type from, dk_type to)
{
    from = storage_type(from);
    to = storage_type(to);
    if (from == DK_TEXT || to == DK_TEXT)
        return NULL;
    return conversions[from][to];
}
