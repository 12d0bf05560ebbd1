/* What a task costs in oneTBB: one million that do nothing, independent and in chains of two, as a
 * flow graph (building included) and in a task_group. C++ because TBB has no C face; nothing else
 * here is.
 *
 *     bench_tbb_tasks [NTASKS] [NTHREADS]
 */
#include "../measure.h"

#include <cstdlib>
#include <deque>
#include <numeric>
#include <vector>

#include <tbb/flow_graph.h>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>
#include <tbb/version.h>

using slots_t = std::vector<std::int64_t>;
using node_t = tbb::flow::continue_node<tbb::flow::continue_msg>;

static void graph_independent(slots_t &slots, std::int64_t ntasks)
{
    tbb::flow::graph graph;
    std::deque<node_t> nodes;

    for (std::int64_t i = 0; i < ntasks; i++)
        nodes.emplace_back(graph, [&slots, i](const tbb::flow::continue_msg &) { slots[i]++; });
    for (auto &node : nodes)
        node.try_put({});
    graph.wait_for_all();
}

static void graph_chains(slots_t &slots, std::int64_t ntasks)
{
    tbb::flow::graph graph;
    std::deque<node_t> nodes;

    for (std::int64_t i = 0; i < ntasks / 2; i++) {
        auto add = [&slots, i](const tbb::flow::continue_msg &) { slots[i]++; };
        auto &first = nodes.emplace_back(graph, add);
        auto &second = nodes.emplace_back(graph, add);

        tbb::flow::make_edge(first, second);
    }
    for (std::size_t i = 0; i < nodes.size(); i += 2)
        nodes[i].try_put({});
    graph.wait_for_all();
}

static void group_independent(slots_t &slots, std::int64_t ntasks)
{
    tbb::task_group group;

    for (std::int64_t i = 0; i < ntasks; i++)
        group.run([&slots, i] { slots[i]++; });
    group.wait();
}

static void group_chains(slots_t &slots, std::int64_t ntasks)
{
    tbb::task_group group;

    for (std::int64_t i = 0; i < ntasks / 2; i++)
        group.run([&group, &slots, i] {
            slots[i]++;
            group.run([&slots, i] { slots[i]++; });
        });
    group.wait();
}

static bool measure(const char *name, void (*run)(slots_t &, std::int64_t), std::int64_t ntasks)
{
    slots_t slots(static_cast<std::size_t>(ntasks));
    double start = measure_now();

    run(slots, ntasks);
    measure_report_tasks(name, TBB_VERSION_STRING, ntasks, measure_now() - start);
    return std::accumulate(slots.begin(), slots.end(), std::int64_t{0}) == ntasks;
}

int main(int argc, char **argv)
{
    std::int64_t ntasks = argc > 1 ? std::atoll(argv[1]) / 2 * 2 : 1000000;
    int nthreads = argc > 2 ? std::atoi(argv[2]) : tbb::this_task_arena::max_concurrency();
    bool ok;

    if (ntasks < 2 || nthreads < 1) {
        std::fprintf(stderr, "usage: bench_tbb_tasks [NTASKS] [NTHREADS]\n");
        return 2;
    }
    tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                              static_cast<std::size_t>(nthreads));
    ok = measure("flow graph independent", graph_independent, ntasks);
    ok &= measure("flow graph chains", graph_chains, ntasks);
    ok &= measure("task_group independent", group_independent, ntasks);
    ok &= measure("task_group chains", group_chains, ntasks);
    return ok ? 0 : 1;
}
