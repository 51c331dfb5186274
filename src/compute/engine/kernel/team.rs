//! Loops on all threads, begun within a microsecond.
//!
//! rayon's workers sleep when there is nothing to do, and to wake one takes as long as a loop over a small map. So a pass
//! calls them [`with_team`] once, and until it ends they wait awake for its loops. Outside a pass loops are rayon's.
//!
//! A loop's numbers are dealt out in one run of neighbours a member, so that a member finds in its cache what it wrote in
//! the loop before; who is done takes from the others. What a loop computes must not depend on how it is cut.

use rayon::prelude::*;
use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Looks at whether there is work, before a member lets others have its core between spins: about 0.1 ms.
const SPINS: usize = 2000;
/// Numbers that a map's loop takes at once at least: to deal out less costs more than it helps.
pub(crate) const MIN_SHARE: usize = 4096;
/// Parts that a member's share is taken in.
const TAKES_PER_SHARE: usize = 16;

/// Where the parts of a loop write. They write to different places.
pub(super) struct DisjointWrites<T = f32>(*mut T);

impl<T> Clone for DisjointWrites<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for DisjointWrites<T> {}

// SAFETY: who uses it gives each part places of its own.
unsafe impl<T: Send> Sync for DisjointWrites<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for DisjointWrites<T> {}

impl<T> DisjointWrites<T> {
    pub(super) fn new(items: &mut [T]) -> Self {
        Self(items.as_mut_ptr())
    }

    /// The place itself is not touched.
    pub(super) fn at(self, offset: usize) -> *mut T {
        self.0.wrapping_add(offset)
    }
}

type LoopBody<'a> = dyn Fn(Range<usize>) + Sync + 'a;

/// What this thread is to the loops that it meets.
#[derive(Clone, Copy)]
enum ThreadRole {
    /// No pass runs on it: loops are rayon's.
    Outside,
    /// Its loops are the team's.
    Leader(*const Team),
    /// It is in a loop already, or waits for one: loops run on this thread alone.
    Member,
}

thread_local! {
    static ROLE: Cell<ThreadRole> = const { Cell::new(ThreadRole::Outside) };
}

/// A role for as long as this lives.
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

/// A member's part of a loop, alone on its cache lines.
#[repr(align(128))]
struct MemberShare {
    next: AtomicUsize,
    end: AtomicUsize,
}

/// Between two spins, of which there have been so many.
fn wait(spins: &mut usize) {
    *spins += 1;
    if *spins < SPINS { std::hint::spin_loop() } else { std::thread::yield_now() }
}

struct Team {
    shares: Vec<MemberShare>,
    /// Loops so far.
    loops: AtomicUsize,
    /// Number of the loop that runs; 0 between loops.
    open: AtomicUsize,
    /// Members in a loop, without the leader.
    busy: AtomicUsize,
    /// No loop will follow.
    over: AtomicBool,
    /// What the loop does, and how many numbers are taken at once. Written by the leader while nobody is busy.
    work: UnsafeCell<Option<(*const LoopBody<'static>, usize)>>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: `work` is written only while no loop is open and nobody is busy, and read only by who is busy with an open loop.
// The body behind it is `Sync`.
unsafe impl Sync for Team {}

impl Team {
    fn new(members: usize) -> Self {
        let share = || MemberShare { next: AtomicUsize::new(0), end: AtomicUsize::new(0) };
        Self {
            shares: std::iter::repeat_with(share).take(members).collect(),
            loops: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            work: UnsafeCell::new(None),
            panic: Mutex::new(None),
        }
    }

    /// Takes part in loops until the pass is over.
    fn serve(&self, member: usize) {
        // The leader itself may be asked, where it waits in rayon for something else.
        if !matches!(ROLE.get(), ThreadRole::Outside) {
            return;
        }
        let _role = RoleGuard::new(ThreadRole::Member);
        let (mut last, mut spins) = (0, 0);
        while !self.over.load(Ordering::Acquire) {
            let open = self.open.load(Ordering::Acquire);
            if open == 0 || open == last {
                wait(&mut spins);
                continue;
            }
            // Busy first, then another look: the leader closes first, then looks who is busy. So either the leader sees
            // this member, or this member sees that the loop is closed.
            self.busy.fetch_add(1, Ordering::SeqCst);
            if self.open.load(Ordering::SeqCst) == open {
                self.work_on(member);
            }
            self.busy.fetch_sub(1, Ordering::SeqCst);
            (last, spins) = (open, 0);
        }
    }

    /// The member's own share, then what the others have left.
    fn work_on(&self, member: usize) {
        // SAFETY: the loop is open and this member is busy, or leads.
        let (body, take) = unsafe { (*self.work.get()).expect("written before the loop was opened") };
        let run = AssertUnwindSafe(|| {
            let members = self.shares.len();
            for share in (0..members).map(|i| &self.shares[(member + i) % members]) {
                let end = share.end.load(Ordering::Relaxed);
                // To look costs less than to take where there is nothing left, with many members.
                while share.next.load(Ordering::Relaxed) < end {
                    let first = share.next.fetch_add(take, Ordering::Relaxed);
                    if first >= end {
                        break;
                    }
                    // SAFETY: the leader stays in `run`, which borrows the body, until nobody is busy.
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
        // SAFETY: only the lifetime is another; nobody uses it after this function. No loop is open and nobody busy.
        unsafe {
            *self.work.get() = Some((std::mem::transmute::<*const LoopBody<'_>, *const LoopBody<'static>>(body), take))
        };
        self.open.store(number, Ordering::SeqCst);
        {
            let _role = RoleGuard::new(ThreadRole::Member);
            self.work_on(0);
        }
        self.open.store(0, Ordering::SeqCst);
        let mut spins = 0;
        while self.busy.load(Ordering::SeqCst) > 0 {
            wait(&mut spins);
        }
        let panic = self.panic.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

/// Runs `f` on a thread of the pool, its loops on all that are free.
pub fn with_team<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    let members = rayon::current_num_threads();
    if members == 1 || !matches!(ROLE.get(), ThreadRole::Outside) {
        return rayon::scope(|_| f());
    }
    struct TeamEnd<'a>(&'a Team);
    impl Drop for TeamEnd<'_> {
        fn drop(&mut self) {
            self.0.over.store(true, Ordering::Release);
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

/// Runs `body` for runs of numbers that make up `0..count`, `least` at once if there are as many.
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
            // SAFETY: `with_team` has this role set only while its team lives.
            unsafe { (*team).run(count, take, &body) }
        }
        ThreadRole::Outside => {
            let run = |i: usize| body(i * take..((i + 1) * take).min(count));
            (0..count.div_ceil(take)).into_par_iter().for_each(run);
        }
    }
}

/// Runs `body` for each of `0..count`.
pub fn for_each(count: usize, body: impl Fn(usize) + Sync) {
    for_ranges(count, 1, |run| run.for_each(&body));
}

/// What `f` is for each of `0..count`, in their order.
pub fn map<R: Send>(count: usize, f: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let mut all: Vec<Option<R>> = std::iter::repeat_with(|| None).take(count).collect();
    for_each_mut(&mut all, |i, place| *place = Some(f(i)));
    all.into_iter().map(|one| one.expect("the loop went over all of them")).collect()
}

/// Runs `body` for each item.
pub(crate) fn for_each_mut<T: Send>(items: &mut [T], body: impl Fn(usize, &mut T) + Sync) {
    for_chunks(items, 1, 1, |i, item| body(i, &mut item[0]));
}

/// Runs `body` for each chunk of `size` items and its number, `least` chunks at once; what does not fill a chunk is left out.
pub fn for_chunks<T: Send>(items: &mut [T], size: usize, least: usize, body: impl Fn(usize, &mut [T]) + Sync) {
    for_chunks_with(items, size, least, || (), |(), i, chunk| body(i, chunk));
}

/// The same with something of `scratch` for each run of chunks, in which anything may be.
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
            // SAFETY: the chunk is in `items`, which is borrowed for the whole loop, and each number comes once.
            body(&mut scratch, i, unsafe { std::slice::from_raw_parts_mut(place.at(i * size), size) });
        }
    });
}
