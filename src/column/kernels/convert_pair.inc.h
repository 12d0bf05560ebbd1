/* One conversion: FROM_T values (FROM in the name) to TO_T (TO in the name). The includer keeps
 * FROM; TO is undefined again. */
static void CONVERT_NAME(FROM, TO)(const void *restrict in_values, void *restrict out_values,
                                   int64_t n)
{
    const FROM_T *restrict in = in_values;
    TO_T *restrict out = out_values;
    for (int64_t i = 0; i < n; i++)
#ifdef TO_BOOL
        out[i] = in[i] != 0;
#else
        out[i] = (TO_T)in[i];
#endif
}
#undef TO
#undef TO_T
#undef TO_BOOL
