#include "frame/job.h"

#include <strings.h>

#include "frame/delayed.h"

static dk_status check_frame(dk_frame frame, dk_error *err)
{
    const struct dk_expression *expression = frame.expression;
    if (expression->error) {
        if (err)
            *err = *expression->error;
        return expression->error->status;
    }
    if (expression->shape == SHAPE_GROUPBY) {
        return error_set(err, DK_EINVAL, "a groupby cannot be computed: aggregate it first");
    }
    if (expression->shape == SHAPE_LITERAL) {
        return error_set(err, DK_EINVAL, "a literal cannot be computed: combine it with a series");
    }
    return DK_OK;
}

/* First everything is lowered, then emitted, so that all frames share their passes. */
static dk_status lower_all(struct job *job, dk_error *err)
{
    for (size_t i = 0; i < job->nframes; i++) {
        const struct dk_expression *expression = job->frames[i].expression;
        DK_TRY(check_frame(job->frames[i], err));
        if (expression->shape == SHAPE_DELAYED)
            continue;
        if (lower_frame(&job->lowering, expression, &job->places[i]) != DK_OK)
            return error_nomem(err);
        lowering_pass(&job->lowering, job->places[i].pass)->program->limit = job->limit;
    }
    dk_status status = delayed_lower(&job->lowering, &job->calls, job->frames, job->nframes, err);
    if (status == DK_OK)
        status = lower_push_filters(&job->lowering);
    return status == DK_ENOMEM ? error_nomem(err) : status;
}

static dk_status emit_all(struct job *job, dk_error *err)
{
    if (dk_graph_new(job->dk, &job->graph) != DK_OK)
        return error_nomem(err);
    DK_TRY(lower_emit(&job->lowering, job->graph, err));
    return delayed_emit(&job->lowering, &job->calls, job->graph, err);
}

dk_status job_init(struct job *job, const dk_frame *frames, size_t nframes, int32_t limit,
                   dk_error *err)
{
    dk_context *dk = frames[0].dk;
    *job = (struct job){.dk = dk, .frames = frames, .nframes = nframes, .limit = limit};
    lowering_init(&job->lowering, dk);
    vector_init(&job->calls, dk->memory, sizeof(struct lowered_call));
    job->places = memory_calloc(dk->memory, nframes * sizeof(*job->places));
    if (!job->places)
        return error_nomem(err);
    DK_TRY(lower_all(job, err));
    return emit_all(job, err);
}

void job_deinit(struct job *job)
{
    dk_graph_free(job->graph);
    memory_free(job->dk->memory, job->places, job->nframes * sizeof(*job->places));
    vector_deinit(&job->calls);
    lowering_deinit(&job->lowering);
}

dk_task_id job_result(const struct job *job, size_t i)
{
    const struct dk_expression *expression = job->frames[i].expression;
    return expression->shape == SHAPE_DELAYED ? delayed_task(&job->calls, expression)
                                              : lower_task(&job->lowering, job->places[i]);
}

dk_status job_partitions(struct job *job, size_t i, dk_task_id *out, dk_error *err)
{
    struct token token = job->frames[i].expression->node.token;
    dk_status status =
        lower_partitions(&job->lowering, job->places[i], token, job->graph, out, err);
    return status == DK_ENOMEM ? error_nomem(err) : status;
}

dk_status job_get(dk_context *dk, const dk_compute_options *options, dk_get *get)
{
    *get = dk->default_get;
    if (!options)
        return DK_OK;
    if (options->get)
        *get = options->get;
    if (!options->scheduler)
        return DK_OK;
    if (strcasecmp(options->scheduler, "distributed") != 0)
        return dk_find_scheduler(options->scheduler, get, options->error);
    *get = dk->cluster_get;
    return *get ? DK_OK
                : error_set(options->error, DK_EINVAL,
                            "scheduler 'distributed': no client of a cluster is open");
}
