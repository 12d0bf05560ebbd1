/* An outside program, built by pkg-config against the installed library: computes with a function
 * of its own. */
#include <cdask/cdask.h>
#include <stdio.h>

static dk_status square(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                        dk_error *err)
{
    (void)task, (void)nargs, (void)err;
    *result = dk_value_int(args[0].as.integer * args[0].as.integer);
    return DK_OK;
}

int main(void)
{
    dk_context *dk = dk_open(NULL);
    if (!dk || dk_register(dk, "square", square, NULL, NULL) != DK_OK)
        return 1;
    dk_value seven[] = {dk_value_int(7)};
    dk_frame call = dk_delayed(dk, "square", seven, 1);
    dk_value value = dk_value_null();
    dk_status status = dk_compute_values(&call, 1, NULL, &value);
    printf("%s: %lld\n", dk_status_text(status), (long long)value.as.integer);
    dk_close(dk);
    return status == DK_OK && value.as.integer == 49 ? 0 : 1;
}
