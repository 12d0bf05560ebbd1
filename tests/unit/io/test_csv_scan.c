/* The two halves of a scan: rows are found, and then the cells of chosen rows and columns are
 * converted. */
#include "csv_fixture.h"

#include "support/failing.h"

enum { ROWS_MAX = 64 };

/* The rows of a batch that a filter may choose, by a number. */
enum choice {
    CHOOSE_NONE,
    CHOOSE_FIRST,
    CHOOSE_LAST,
    CHOOSE_EVEN,
    CHOOSE_ODD,
    CHOOSE_ALL,
    CHOICES
};

static int64_t choose(enum choice choice, int64_t nrows, int32_t *rows)
{
    int64_t count = 0;
    for (int32_t row = 0; row < nrows; row++) {
        bool is_chosen = choice == CHOOSE_ALL || (choice == CHOOSE_FIRST && row == 0) ||
                         (choice == CHOOSE_LAST && row == nrows - 1) ||
                         (choice == CHOOSE_EVEN && row % 2 == 0) ||
                         (choice == CHOOSE_ODD && row % 2 == 1);
        if (is_chosen)
            rows[count++] = row;
    }
    return count;
}

/* An open scan of one block with all columns of the source, and a vec for each. */
struct reader {
    struct memory *memory;
    struct csv_source *source;
    struct csv_scan *scan;
    int32_t ncolumns;
    struct vec vecs[FIXTURE_COLUMNS];
    dk_error err;
};

static dk_status reader_open(struct reader *reader, struct memory *memory,
                             struct csv_source *source, int32_t block)
{
    int32_t columns[FIXTURE_COLUMNS];
    *reader = (struct reader){.memory = memory, .source = source};
    reader->ncolumns = csv_source_ncolumns(source);
    assert_true(reader->ncolumns <= FIXTURE_COLUMNS);
    for (int32_t i = 0; i < reader->ncolumns; i++) {
        columns[i] = i;
        vec_init(&reader->vecs[i], memory, csv_source_type(source, i));
    }
    return csv_scan_open(memory, source, block, columns, reader->ncolumns, &reader->scan,
                         &reader->err);
}

static void reader_close(struct reader *reader)
{
    csv_scan_close(reader->scan);
    for (int32_t i = 0; i < reader->ncolumns; i++)
        vec_deinit(&reader->vecs[i]);
}

static dk_status load(struct reader *reader, int32_t first, int32_t ncolumns, const int32_t *rows,
                      int64_t nrows)
{
    return csv_scan_load(reader->scan, first, ncolumns, rows, nrows, &reader->vecs[first],
                         &reader->err);
}

/* Appends the chosen rows of all batches of a block; with `column_by_column` in as many loads. */
static dk_status render_chosen(struct reader *reader, int64_t max_rows, enum choice choice,
                               bool column_by_column, struct text *out)
{
    int32_t rows[ROWS_MAX];
    int64_t nrows = 0;
    assert_true(max_rows <= ROWS_MAX);
    for (;;) {
        DK_TRY(csv_scan_next(reader->scan, max_rows, &nrows, &reader->err));
        if (nrows == 0)
            return DK_OK;
        int64_t nchosen = choose(choice, nrows, rows);
        for (int32_t i = 0; column_by_column && i < reader->ncolumns; i++)
            DK_TRY(load(reader, i, 1, rows, nchosen));
        if (!column_by_column)
            DK_TRY(load(reader, 0, reader->ncolumns, rows, nchosen));
        render_rows(out, reader->vecs, reader->ncolumns, nchosen);
    }
}

/* What render_chosen() gives, taken from all rows. */
static void render_expected(struct reader *reader, int64_t max_rows, enum choice choice,
                            struct text *out)
{
    int32_t rows[ROWS_MAX];
    int64_t nrows;
    for (;;) {
        assert_int_equal(
            scan_all(reader->scan, max_rows, reader->ncolumns, reader->vecs, &nrows, &reader->err),
            DK_OK);
        if (nrows == 0)
            break;
        int64_t nchosen = choose(choice, nrows, rows);
        for (int64_t i = 0; i < nchosen; i++) {
            for (int32_t c = 0; c < reader->ncolumns; c++) {
                struct view view = vec_view(&reader->vecs[c]);
                if (c)
                    text_putc(out, '|');
                render_cell(out, &view, rows[i]);
            }
            text_putc(out, '\n');
        }
    }
}

static void expect_choice(struct fixture *fixture, struct csv_source *source, int64_t max_rows,
                          enum choice choice)
{
    struct reader reader;
    struct text expected;
    text_init(&expected, fixture->memory);
    for (int32_t block = 0; block < csv_source_nblocks(source); block++) {
        assert_int_equal(reader_open(&reader, fixture->memory, source, block), DK_OK);
        render_expected(&reader, max_rows, choice, &expected);
        reader_close(&reader);
    }
    for (int columns = 0; columns < 2; columns++) {
        struct text found;
        text_init(&found, fixture->memory);
        for (int32_t block = 0; block < csv_source_nblocks(source); block++) {
            assert_int_equal(reader_open(&reader, fixture->memory, source, block), DK_OK);
            assert_int_equal(render_chosen(&reader, max_rows, choice, columns, &found), DK_OK);
            reader_close(&reader);
        }
        assert_int_equal(found.length, expected.length);
        if (found.length)
            assert_memory_equal(found.data, expected.data, found.length);
        text_deinit(&found);
    }
    text_deinit(&expected);
}

/* Of `csv`, whatever the chunks, blocks, engines and batches are, chosen rows are those of all. */
static void expect_choices(struct fixture *fixture, const char *csv, dk_csv_options options)
{
    static const int64_t blocksizes[] = {-1, 40};
    static const uint32_t chunks[] = {1, 7, 33, 4096};
    for (size_t b = 0; b < 2; b++) {
        options.blocksize = blocksizes[b];
        for (size_t c = 0; c < 4; c++) {
            struct csv_tuning tuning = {chunks[c], (enum csv_engine)(c % 3)};
            struct csv_source *source;
            if (csv_source_open_bytes(fixture->memory, "m", csv, strlen(csv), &options, tuning,
                                      &source, &fixture->err) != DK_OK)
                fail_msg("%s", fixture->err.message);
            for (int64_t max_rows = 1; max_rows <= ROWS_MAX; max_rows *= 4)
                for (int choice = 0; choice < CHOICES; choice++)
                    expect_choice(fixture, source, max_rows, (enum choice)choice);
            csv_source_unref(source);
        }
    }
}

static const dk_column_type TYPES[] = {
    {"b", DK_FLOAT64}, {"c", DK_TEXT}, {"d", DK_CATEGORY}, {"e", DK_BOOL}, {"f", DK_FLOAT32}};
static const char *const DATES[] = {"t"};
static const dk_csv_options OPTIONS = {
    .dtype = TYPES, .ndtype = 5, .parse_dates = {DATES, 1}, .include_path_column = "path"};

/* Rows that all have the same number of fields: cells of every type. */
static void test_regular(void **state)
{
    expect_choices(*state,
                   "t,a,b,c,d,e,f\n2015-01-02 03:04:05,1,1.5,x,red,True,0.5\n"
                   "2015-01-02 03:04:06,-2,1e3,\"y,y\",green,False,-1\n,3,,\"z\"\"z\",red,,\n"
                   "2015-01-03,4,-0.25,\"two\nlines\",,True,1e-3\n"
                   "2015-01-03 00:00:01.5,12345678901234567,3.25,,blue,False,7\n",
                   OPTIONS);
}

/* The last cell of a row loses its \r, also in rows that are chosen. */
static void test_returns(void **state)
{
    expect_choices(*state,
                   "t,a,b,c,d,e,f\r\n2015-01-02,1,1.5,x,red,True,0.5\r\n"
                   "2015-01-02,-2,1e3,\"y\r\ny\",green,False,\r\n,3,,z,red,,2\r\n2015-01-03,4,-0.25"
                   ",w,,True,1e-3\r\n",
                   OPTIONS);
    expect_choices(*state, "a,c\r\n1,x\r\n\r\n2\r\n3,\"y\"\r\n4,\r\n",
                   (dk_csv_options){.infer_all = true});
}

/* Blank rows are none, short ones have missing cells: positions are gathered twice. */
static void test_irregular(void **state)
{
    expect_choices(*state,
                   "t,a,b,c,d,e,f\n\n2015-01-02,1,1.5,x,red\n  \n2015-01-02,-2\n\n,3,,z,red,,2\n"
                   "2015-01-03,4,-0.25,w,,True,1e-3\n2015-01-04,5\n",
                   OPTIONS);
    expect_choices(*state, "a\n1\n\n2\n3\n\n\n4\n", (dk_csv_options){.infer_all = true});
}

static struct csv_source *open_bytes(struct fixture *fixture, const char *csv,
                                     const dk_csv_options *options)
{
    struct csv_source *source = NULL;
    struct csv_tuning tuning = {CSV_CHUNK_NBYTES, CSV_ENGINE_BEST};
    if (csv_source_open_bytes(fixture->memory, "m.csv", csv, strlen(csv), options, tuning, &source,
                              &fixture->err) != DK_OK)
        fail_msg("%s", fixture->err.message);
    return source;
}

/* Faults in rows 1 (column b), 2 (column a) and 4 (both). */
static const char FAULTY[] = "a,b\n10,0.5\n11,bad\n\nx,1.5\n13,2.5\ny,z\n";
static const dk_column_type FAULTY_TYPES[] = {{"a", DK_INT64}, {"b", DK_FLOAT64}};
static const dk_csv_options FAULTY_OPTIONS = {.dtype = FAULTY_TYPES, .ndtype = 2};

static void expect_fault(struct reader *reader, int32_t first, int32_t ncolumns,
                         const int32_t *rows, int64_t nrows, int64_t line, const char *words)
{
    assert_int_equal(load(reader, first, ncolumns, rows, nrows), DK_EPARSE);
    assert_int_equal(reader->err.line, line);
    if (!strstr(reader->err.message, words))
        fail_msg("'%s' is not in:\n%s", words, reader->err.message);
}

/* What stands in rows that are not chosen, or in columns that are not loaded, is no error. */
static void test_faults_left_out(void **state)
{
    struct reader reader;
    int64_t nrows;
    struct csv_source *source = open_bytes(*state, FAULTY, &FAULTY_OPTIONS);
    assert_int_equal(reader_open(&reader, ((struct fixture *)*state)->memory, source, 0), DK_OK);
    assert_int_equal(csv_scan_next(reader.scan, 100, &nrows, &reader.err), DK_OK);
    assert_int_equal(nrows, 5);
    const int32_t good[] = {0, 3};
    assert_int_equal(load(&reader, 0, 2, good, 2), DK_OK);
    assert_int_equal(((int64_t *)reader.vecs[0].data)[1], 13);
    assert_true(((double *)reader.vecs[1].data)[1] == 2.5);
    assert_int_equal(load(&reader, 0, 1, (int32_t[]){1}, 1), DK_OK);
    assert_int_equal(((int64_t *)reader.vecs[0].data)[0], 11);
    assert_int_equal(load(&reader, 1, 1, (int32_t[]){2}, 1), DK_OK);
    assert_true(((double *)reader.vecs[1].data)[0] == 1.5);
    reader_close(&reader);
    csv_source_unref(source);
}

/* Of what is loaded together the first row with a fault is reported, with its line in the file. */
static void test_faults_chosen(void **state)
{
    struct reader reader;
    int64_t nrows;
    struct csv_source *source = open_bytes(*state, FAULTY, &FAULTY_OPTIONS);
    assert_int_equal(reader_open(&reader, ((struct fixture *)*state)->memory, source, 0), DK_OK);
    assert_int_equal(csv_scan_next(reader.scan, 100, &nrows, &reader.err), DK_OK);
    const int32_t all[] = {0, 1, 2, 3, 4};
    expect_fault(&reader, 0, 2, NULL, 5, 3, "m.csv:3: column 'b': cannot parse 'bad' as float64");
    expect_fault(&reader, 0, 2, all, 5, 3, "column 'b': cannot parse 'bad'");
    expect_fault(&reader, 0, 2, all + 2, 3, 5, "m.csv:5: column 'a': cannot parse 'x' as int64");
    expect_fault(&reader, 1, 1, all + 2, 3, 7, "m.csv:7: column 'b': cannot parse 'z'");
    expect_fault(&reader, 0, 2, all + 3, 2, 7, "m.csv:7: column 'a': cannot parse 'y'");
    expect_fault(&reader, 0, 1, NULL, 5, 5, "column 'a': cannot parse 'x'");
    assert_int_equal(load(&reader, 0, 2, all, 1), DK_OK);
    reader_close(&reader);
    csv_source_unref(source);
}

/* A hole among integers and bytes that are no text have messages of their own. */
static void test_other_faults(void **state)
{
    static const dk_column_type types[] = {{"a", DK_INT64}, {"b", DK_TEXT}};
    struct reader reader;
    int64_t nrows;
    struct csv_source *source =
        open_bytes(*state, "a,b\n1,x\n,y\n3,\xff\n4,z\n",
                   &(dk_csv_options){.dtype = types, .ndtype = 2, .sample = 1});
    assert_int_equal(reader_open(&reader, ((struct fixture *)*state)->memory, source, 0), DK_OK);
    assert_int_equal(csv_scan_next(reader.scan, 100, &nrows, &reader.err), DK_OK);
    assert_int_equal(load(&reader, 0, 2, (int32_t[]){0, 3}, 2), DK_OK);
    assert_memory_equal(reader.vecs[1].data, "xz", 2);
    expect_fault(&reader, 0, 2, (int32_t[]){1, 2, 3}, 3, 3, "column 'a': Integer column has NA");
    expect_fault(&reader, 0, 2, (int32_t[]){2, 3}, 2, 4, "column 'b': the text is not valid UTF-8");
    reader_close(&reader);
    csv_source_unref(source);
}

/* The words of a category are those of the rows that were loaded, and keep their codes. */
static void test_category(void **state)
{
    static const dk_column_type types[] = {{"a", DK_CATEGORY}};
    struct reader reader;
    int64_t nrows;
    struct csv_source *source = open_bytes(*state, "a\nred\ngreen\nblue\ngreen\nred\n",
                                           &(dk_csv_options){.dtype = types, .ndtype = 1});
    assert_int_equal(reader_open(&reader, ((struct fixture *)*state)->memory, source, 0), DK_OK);
    assert_int_equal(csv_scan_next(reader.scan, 3, &nrows, &reader.err), DK_OK);
    assert_int_equal(load(&reader, 0, 1, (int32_t[]){2}, 1), DK_OK);
    assert_int_equal(reader.vecs[0].dictionary->view.nrows, 1);
    assert_int_equal(csv_scan_next(reader.scan, 3, &nrows, &reader.err), DK_OK);
    assert_int_equal(load(&reader, 0, 1, NULL, 2), DK_OK);
    assert_int_equal(reader.vecs[0].dictionary->view.nrows, 3);
    assert_memory_equal(reader.vecs[0].dictionary->view.data, "bluegreenred", 12);
    assert_int_equal(((int32_t *)reader.vecs[0].data)[1], 2);
    reader_close(&reader);
    csv_source_unref(source);
}

/* A batch of which nothing is loaded is just passed; at the end there is none. A blank row
 * counts among those looked for. */
static void test_nothing_loaded(void **state)
{
    struct reader reader;
    int64_t nrows;
    struct csv_source *source = open_bytes(*state, FAULTY, &FAULTY_OPTIONS);
    assert_int_equal(reader_open(&reader, ((struct fixture *)*state)->memory, source, 0), DK_OK);
    assert_int_equal(csv_scan_next(reader.scan, 3, &nrows, &reader.err), DK_OK);
    assert_int_equal(nrows, 2);
    assert_int_equal(csv_scan_next(reader.scan, 3, &nrows, &reader.err), DK_OK);
    assert_int_equal(nrows, 3);
    assert_int_equal(load(&reader, 0, 2, (int32_t[]){1}, 1), DK_OK);
    assert_int_equal(((int64_t *)reader.vecs[0].data)[0], 13);
    assert_int_equal(load(&reader, 0, 0, NULL, 3), DK_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(csv_scan_next(reader.scan, 3, &nrows, &reader.err), DK_OK);
        assert_int_equal(nrows, 0);
    }
    reader_close(&reader);
    csv_source_unref(source);
}

/* Chosen rows of everything, with blank rows, \r\n and quotes. */
static dk_status read_chosen(struct memory *memory)
{
    static const char csv[] =
        "t,a,b,c,d,e,f\r\n2015-01-02,1,1.5,x,red\r\n\r\n2015-01-02,-2,,\"y\"\"y\"\r\n"
        ",3,,z,blue,,2\r\n2015-01-03,4,-0.25,w,,True,1e-3\r\n";
    struct csv_tuning tuning = {64, CSV_ENGINE_BEST};
    struct csv_source *source = NULL;
    struct reader reader;
    struct text text;
    dk_error err = {0};
    DK_TRY(
        csv_source_open_bytes(memory, "m", csv, sizeof csv - 1, &OPTIONS, tuning, &source, &err));
    text_init(&text, memory);
    dk_status status = reader_open(&reader, memory, source, 0);
    if (status == DK_OK)
        status = render_chosen(&reader, 3, CHOOSE_EVEN, false, &text);
    assert_int_equal(reader.err.status, status);
    reader_close(&reader);
    text_deinit(&text);
    csv_source_unref(source);
    return status;
}

static void test_memory(void **state)
{
    (void)state;
    fail_each_allocation(read_chosen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_regular),       fixture_test(test_returns),
        fixture_test(test_irregular),     fixture_test(test_faults_left_out),
        fixture_test(test_faults_chosen), fixture_test(test_other_faults),
        fixture_test(test_category),      fixture_test(test_nothing_loaded),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
