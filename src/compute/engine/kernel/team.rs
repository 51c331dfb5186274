//! A team of threads that starts a parallel loop within a microsecond.
//!
//! rayon's workers sleep when they have no work, and waking one takes as long as a loop over a small map. Therefore a
//! pass calls [`with_team`] once, and the workers spin until it ends and run its loops. Loops outside a pass run on
//! rayon.
//!
//! Each member starts with one run of neighbouring indices, so that it finds in its cache what it wrote in the loop
//! before. A member that has finished its share takes indices from the others. The result of a loop must not depend on
//! these cuts.

use rayon::prelude::*;
use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Number of times that a waiting member polls before it yields its core between polls: about 0.1 ms.
const POLLS: usize = 2000;
/// Minimum number of floats that a loop over a map takes at once: smaller shares cost more than they save.
pub(crate) const MIN_SHARE: usize = 4096;
/// Number of parts that a member's share is taken in.
const TAKES_PER_SHARE: usize = 16;

/// The output of a loop whose iterations write to disjoint places.
pub(super) struct DisjointWrites<T = f32>(*mut T);

impl<T> Clone for DisjointWrites<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for DisjointWrites<T> {}

// SAFETY: the user gives each iteration places of its own.
unsafe impl<T: Send> Sync for DisjointWrites<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for DisjointWrites<T> {}

impl<T> DisjointWrites<T> {
    pub(super) fn new(items: &mut [T]) -> Self {
        Self(items.as_mut_ptr())
    }

    /// Returns a pointer to a place without access to it.
    pub(super) fn at(self, offset: usize) -> *mut T {
        self.0.wrapping_add(offset)
    }
}

type LoopBody<'a> = dyn Fn(Range<usize>) + Sync + 'a;

/// The role of the current thread in parallel loops.
#[derive(Clone, Copy)]
enum ThreadRole {
    /// The thread runs no pass: its loops run on rayon.
    Outside,
    /// The thread leads a pass: its loops run on the team.
    Leader(*const Team),
    /// The thread is in a loop or waits for one: its loops run on this thread alone.
    Member,
}

thread_local! {
    static ROLE: Cell<ThreadRole> = const { Cell::new(ThreadRole::Outside) };
}

/// Sets the role of the thread until it is dropped.
struct RoleGuard(ThreadRole);

impl RoleGuard {
    fn new(role: ThreadRole) -> Self {
        Self(ROLE.replace(role))
    }
}

impl Drop for RoleGuard {
    fn drop(&mut self) {
        ROLE.set(self.0);
    }
}

/// A member's share of a loop, on cache lines of its own.
#[repr(align(128))]
struct MemberShare {
    next: AtomicUsize,
    end: AtomicUsize,
}

/// Waits between two polls; `polls` counts them.
fn wait(polls: &mut usize) {
    *polls += 1;
    if *polls < POLLS { std::hint::spin_loop() } else { std::thread::yield_now() }
}

/// The threads that run the loops of one pass.
struct Team {
    shares: Vec<MemberShare>,
    /// Number of loops that were started.
    loops: AtomicUsize,
    /// Number of the current loop; 0 between loops.
    current: AtomicUsize,
    /// Number of members that work on a loop, without the leader.
    busy: AtomicUsize,
    /// Set when no loop will follow.
    ended: AtomicBool,
    /// The body of the loop and the number of indices taken at once. The leader writes it while no member is busy.
    work: UnsafeCell<Option<(*const LoopBody<'static>, usize)>>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: `work` is written only while no loop is open and no member is busy, and read only by busy members of an open
// loop. The body that it points to is `Sync`.
unsafe impl Sync for Team {}

impl Team {
    fn new(members: usize) -> Self {
        let share = || MemberShare { next: AtomicUsize::new(0), end: AtomicUsize::new(0) };
        Self {
            shares: std::iter::repeat_with(share).take(members).collect(),
            loops: AtomicUsize::new(0),
            current: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
            work: UnsafeCell::new(None),
            panic: Mutex::new(None),
        }
    }

    /// Works on loops until the pass ends.
    fn serve(&self, member: usize) {
        // rayon may run this on the leader itself while it waits for another task.
        if !matches!(ROLE.get(), ThreadRole::Outside) {
            return;
        }
        let _role = RoleGuard::new(ThreadRole::Member);
        let (mut last, mut polls) = (0, 0);
        while !self.ended.load(Ordering::Acquire) {
            let open = self.current.load(Ordering::Acquire);
            if open == 0 || open == last {
                wait(&mut polls);
                continue;
            }
            // The member first registers as busy and then checks the loop again; the leader first closes the loop and
            // then checks for busy members. So either the leader sees this member, or this member sees that the loop is
            // closed.
            self.busy.fetch_add(1, Ordering::SeqCst);
            if self.current.load(Ordering::SeqCst) == open {
                self.work_on(member);
            }
            self.busy.fetch_sub(1, Ordering::SeqCst);
            (last, polls) = (open, 0);
        }
    }

    /// Runs the member's own share, then what is left of the others' shares.
    fn work_on(&self, member: usize) {
        // SAFETY: the loop is open, and this member is busy or leads.
        let (body, take) = unsafe { (*self.work.get()).expect("written before the loop was opened") };
        let run = AssertUnwindSafe(|| {
            let members = self.shares.len();
            for share in (0..members).map(|i| &self.shares[(member + i) % members]) {
                let end = share.end.load(Ordering::Relaxed);
                // With many members, a load is cheaper than a `fetch_add` on a share that is used up.
                while share.next.load(Ordering::Relaxed) < end {
                    let first = share.next.fetch_add(take, Ordering::Relaxed);
                    if first >= end {
                        break;
                    }
                    // SAFETY: the leader stays in `run`, which borrows the body, until no member is busy.
                    unsafe { (*body)(first..(first + take).min(end)) };
                }
            }
        });
        if let Err(panic) = catch_unwind(run) {
            self.panic.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get_or_insert(panic);
        }
    }

    /// Runs a loop over `0..count` as its leader.
    fn run(&self, count: usize, take: usize, body: &LoopBody) {
        let number = self.loops.fetch_add(1, Ordering::Relaxed) + 1;
        let members = self.shares.len();
        for (i, share) in self.shares.iter().enumerate() {
            share.next.store(count * i / members, Ordering::Relaxed);
            share.end.store(count * (i + 1) / members, Ordering::Relaxed);
        }
        let body: *const LoopBody = body;
        // SAFETY: only the lifetime changes, and the pointer is not used after this function. No loop is open and no
        // member busy.
        unsafe {
            *self.work.get() = Some((std::mem::transmute::<*const LoopBody<'_>, *const LoopBody<'static>>(body), take))
        };
        self.current.store(number, Ordering::SeqCst);
        {
            let _role = RoleGuard::new(ThreadRole::Member);
            self.work_on(0);
        }
        self.current.store(0, Ordering::SeqCst);
        let mut polls = 0;
        while self.busy.load(Ordering::SeqCst) > 0 {
            wait(&mut polls);
        }
        let panic = self.panic.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

/// Runs `f` on a thread of the pool. Its parallel loops run on all threads that are free.
pub fn with_team<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    let members = rayon::current_num_threads();
    if members == 1 || !matches!(ROLE.get(), ThreadRole::Outside) {
        return rayon::scope(|_| f());
    }
    struct TeamEnd<'a>(&'a Team);
    impl Drop for TeamEnd<'_> {
        fn drop(&mut self) {
            self.0.ended.store(true, Ordering::Release);
        }
    }
    let team = Team::new(members);
    rayon::scope(|scope| {
        let team = &team;
        (1..members).for_each(|member| scope.spawn(move |_| team.serve(member)));
        let _end = TeamEnd(team);
        let _role = RoleGuard::new(ThreadRole::Leader(team));
        f()
    })
}

/// Calls `body` with ranges that partition `0..count`, of at least `least` indices if there are as many.
pub fn for_ranges(count: usize, least: usize, body: impl Fn(Range<usize>) + Sync) {
    let members = rayon::current_num_threads();
    let take = count.div_ceil(members * TAKES_PER_SHARE).max(least).max(1);
    if count <= take || members == 1 {
        if count > 0 {
            body(0..count);
        }
        return;
    }
    match ROLE.get() {
        ThreadRole::Member => body(0..count),
        ThreadRole::Leader(team) => {
            // SAFETY: `with_team` sets this role only while its team lives.
            unsafe { (*team).run(count, take, &body) }
        }
        ThreadRole::Outside => {
            let run = |i: usize| body(i * take..((i + 1) * take).min(count));
            (0..count.div_ceil(take)).into_par_iter().for_each(run);
        }
    }
}

/// Calls `body` with each of `0..count`.
pub fn for_each(count: usize, body: impl Fn(usize) + Sync) {
    for_ranges(count, 1, |run| run.for_each(&body));
}

/// Returns `f(i)` for each of `0..count`, in order.
pub fn map<R: Send>(count: usize, f: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let mut all: Vec<Option<R>> = std::iter::repeat_with(|| None).take(count).collect();
    for_each_mut(&mut all, |i, place| *place = Some(f(i)));
    all.into_iter().map(|item| item.expect("the loop visits every index")).collect()
}

/// Calls `body` with each item and its index.
pub(crate) fn for_each_mut<T: Send>(items: &mut [T], body: impl Fn(usize, &mut T) + Sync) {
    for_chunks(items, 1, 1, |i, item| body(i, &mut item[0]));
}

/// Calls `body` with each chunk of `size` items and its index, for at least `least` chunks at once. A remainder smaller
/// than a chunk is left out.
pub fn for_chunks<T: Send>(items: &mut [T], size: usize, least: usize, body: impl Fn(usize, &mut [T]) + Sync) {
    for_chunks_with(items, size, least, || (), |(), i, chunk| body(i, chunk));
}

/// As [`for_chunks`], with a value of `scratch` for each range of chunks. Its contents are arbitrary at the start of a
/// chunk.
pub fn for_chunks_with<T: Send, S>(
    items: &mut [T],
    size: usize,
    least: usize,
    scratch: impl Fn() -> S + Sync,
    body: impl Fn(&mut S, usize, &mut [T]) + Sync,
) {
    let (count, place) = (items.len() / size.max(1), DisjointWrites::new(items));
    for_ranges(count, least, |run| {
        let mut scratch = scratch();
        for i in run {
            // SAFETY: the chunk is in `items`, which is borrowed for the whole loop, and each index comes once.
            body(&mut scratch, i, unsafe { std::slice::from_raw_parts_mut(place.at(i * size), size) });
        }
    });
}
