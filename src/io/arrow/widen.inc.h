/* Parameters: WIDEN (name of the function), FROM and TO (types). */

static void WIDEN(TO *to, const char *from, int64_t nrows)
{
    for (int64_t i = 0; i < nrows; i++) {
        FROM value;
        memcpy(&value, from + (size_t)i * sizeof(value), sizeof(value));
        to[i] = (TO)value;
    }
}

#undef WIDEN
#undef FROM
#undef TO
