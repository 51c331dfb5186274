//! Loops on all threads of a pass.

use npc::internals::compute::engine::kernel::team::{
    for_chunks, for_chunks_with, for_each, for_ranges, map, with_team,
};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn pools() -> impl Iterator<Item = (usize, ThreadPool)> {
    (1..6).map(|threads| (threads, ThreadPoolBuilder::new().num_threads(threads).build().unwrap()))
}

/// Returns how often a loop visits each number.
fn counts(count: usize, least: usize) -> Vec<usize> {
    let seen: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
    for_ranges(count, least, |run| {
        assert!(!run.is_empty() && run.end <= count);
        run.for_each(|i| _ = seen[i].fetch_add(1, Ordering::Relaxed));
    });
    seen.into_iter().map(AtomicUsize::into_inner).collect()
}

#[test]
fn a_loop_visits_each_number_once() {
    for (threads, pool) in pools() {
        let all = || {
            for count in [0, 1, 2, 3, 7, 31, 64, 1000, 4099] {
                for least in [0, 1, 5, 100, 10_000] {
                    assert_eq!(
                        counts(count, least),
                        vec![1; count],
                        "{count} numbers, {least} at once, {threads} threads"
                    );
                }
            }
        };
        // The loop runs inside a pass, and outside of one.
        pool.install(|| with_team(all));
        pool.install(all);
    }
}

#[test]
fn consecutive_loops_do_not_mix() {
    for (_, pool) in pools() {
        pool.install(|| {
            with_team(|| {
                let mut numbers = vec![0usize; 300];
                for round in 0..3000 {
                    for_chunks(&mut numbers, 3, 1, |i, chunk| {
                        for (k, x) in chunk.iter_mut().enumerate() {
                            assert_eq!(*x, round * (3 * i + k));
                            *x += 3 * i + k;
                        }
                    });
                }
            });
        });
    }
}

#[test]
fn results_come_in_order_and_scratch_stays_with_one_thread() {
    for (_, pool) in pools() {
        pool.install(|| {
            with_team(|| {
                assert_eq!(map(1000, |i| i * i), (0..1000).map(|i| i * i).collect::<Vec<_>>());
                let mut sums = vec![0; 500];
                // The old contents of the scratch do not matter: it belongs to this thread, and no two chunks use it at
                // the same time.
                for_chunks_with(
                    &mut sums,
                    1,
                    1,
                    || vec![0; 64],
                    |scratch, i, to| {
                        scratch.fill(i);
                        to[0] = scratch.iter().sum();
                    },
                );
                assert!(sums.iter().enumerate().all(|(i, sum)| *sum == 64 * i));
            });
        });
    }
}

#[test]
fn nested_loops_and_passes_run_on_the_calling_thread() {
    for (_, pool) in pools() {
        let done = AtomicUsize::new(0);
        pool.install(|| {
            with_team(|| {
                for_each(20, |_| for_each(30, |_| _ = done.fetch_add(1, Ordering::Relaxed)));
                with_team(|| for_each(40, |_| _ = done.fetch_add(1, Ordering::Relaxed)));
                for_each(5, |_| with_team(|| for_each(8, |_| _ = done.fetch_add(1, Ordering::Relaxed))));
            });
        });
        assert_eq!(done.into_inner(), 20 * 30 + 40 + 5 * 8);
    }
}

#[test]
fn a_panic_in_a_loop_reaches_the_caller_and_the_next_loop_runs() {
    for (threads, pool) in pools() {
        for bad in [0, 37, 99] {
            let work = || {
                with_team(|| {
                    let run = || for_each(100, |i| assert!(i != bad, "number {i}"));
                    let panic = catch_unwind(AssertUnwindSafe(run)).expect_err("the loop panics");
                    let text = panic.downcast_ref::<String>().expect("a formatted message");
                    assert!(text.contains(&format!("number {bad}")), "{text}");
                    assert_eq!(counts(100, 1), vec![1; 100], "after a panic, {threads} threads");
                });
            };
            pool.install(work);
        }
        assert!(catch_unwind(AssertUnwindSafe(|| pool.install(|| with_team(|| panic!("in the pass"))))).is_err());
        pool.install(|| with_team(|| assert_eq!(counts(10, 1), vec![1; 10])));
    }
}

/// rayon's own loops in a pass, whose threads wait for other work, and several passes at the same time.
#[test]
fn passes_share_a_pool_with_others() {
    let (_, pool) = pools().nth(2).unwrap();
    let start = Instant::now();
    let total = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    pool.install(|| {
                        with_team(|| {
                            for_each(64, |_| _ = total.fetch_add(1, Ordering::Relaxed));
                            rayon::join(|| (), || _ = total.fetch_add(1, Ordering::Relaxed));
                        });
                    });
                }
            });
        }
    });
    assert_eq!(total.into_inner(), 4 * 50 * 65);
    assert!(start.elapsed() < Duration::from_secs(120), "threads wait for each other");
}
