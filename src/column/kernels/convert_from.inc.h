/* All conversions of FROM_T (FROM in the names), and the row of the table that lists them. */
#define TO   truth
#define TO_T uint8_t
#define TO_BOOL
#include "column/kernels/convert_pair.inc.h"
#define TO   int8
#define TO_T int8_t
#include "column/kernels/convert_pair.inc.h"
#define TO   int16
#define TO_T int16_t
#include "column/kernels/convert_pair.inc.h"
#define TO   int32
#define TO_T int32_t
#include "column/kernels/convert_pair.inc.h"
#define TO   int64
#define TO_T int64_t
#include "column/kernels/convert_pair.inc.h"
#define TO   uint64
#define TO_T uint64_t
#include "column/kernels/convert_pair.inc.h"
#define TO   float32
#define TO_T float
#include "column/kernels/convert_pair.inc.h"
#define TO   float64
#define TO_T double
#include "column/kernels/convert_pair.inc.h"

static const convert_fn CONVERT_NAME(from, FROM)[DK_TYPE_COUNT] = {
    [DK_BOOL] = CONVERT_NAME(FROM, truth),      [DK_INT8] = CONVERT_NAME(FROM, int8),
    [DK_INT16] = CONVERT_NAME(FROM, int16),     [DK_INT32] = CONVERT_NAME(FROM, int32),
    [DK_INT64] = CONVERT_NAME(FROM, int64),     [DK_UINT64] = CONVERT_NAME(FROM, uint64),
    [DK_FLOAT32] = CONVERT_NAME(FROM, float32), [DK_FLOAT64] = CONVERT_NAME(FROM, float64),
};
#undef FROM
#undef FROM_T
