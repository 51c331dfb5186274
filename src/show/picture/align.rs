//! Where the cells of one column stand from left to right (Brandes and Köpf, "Fast and Simple Horizontal Coordinate
//! Assignment", Graph Drawing 2001).
//!
//! Chains become straight lines as far as orders allow, lanes above all. Four passes, from above or below and from the left
//! or the right, each put a cell under the median of its neighbours and push the straight lines together; the mean of the
//! two middle results keeps every distance that all four keep. `page/place.js` does the same in the same order.

/// Room that a cell takes on either side of its axis, and whether it is a lane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Extent {
    pub left: f64,
    pub right: f64,
    pub lane: bool,
}

/// Between a cell and the next.
pub(super) fn gap(a: &Extent, b: &Extent) -> f64 {
    match (a.lane, b.lane) {
        (true, true) => 6.0,
        (true, false) | (false, true) => 10.0,
        (false, false) => 22.0,
    }
}

/// Axes of the cells in `rows`. `hops` join cells of one row with cells of the next. `extents` are by cell; what comes back
/// is by cell too, and 0 for cells in no row.
pub(super) fn align(rows: &[Vec<usize>], hops: &[[usize; 2]], extents: &[Extent]) -> Vec<f64> {
    let n = extents.len();
    let mut place = vec![0; n];
    let mut row_of = vec![usize::MAX; n];
    for (i, row) in rows.iter().enumerate() {
        for (k, &cell) in row.iter().enumerate() {
            (place[cell], row_of[cell]) = (k, i);
        }
    }
    let hops: Vec<[usize; 2]> =
        hops.iter().copied().filter(|&[a, b]| row_of[a] != usize::MAX && row_of[b] != usize::MAX).collect();
    let straight = straight(rows.len(), &hops, extents, &place, &row_of);
    let mut results: Vec<Vec<f64>> = Vec::with_capacity(4);
    for up in [false, true] {
        for right in [false, true] {
            results.push(pass(rows, &straight, extents, &place, up, right));
        }
    }
    let ends = |xs: &[f64]| {
        let cells = rows.iter().flatten();
        let low = cells.clone().map(|&c| xs[c] - extents[c].left).fold(f64::INFINITY, f64::min);
        let high = cells.map(|&c| xs[c] + extents[c].right).fold(f64::NEG_INFINITY, f64::max);
        [low, high]
    };
    let spans: Vec<[f64; 2]> = results.iter().map(|xs| ends(xs)).collect();
    let mut narrowest = 0;
    for i in 1..4 {
        if spans[i][1] - spans[i][0] < spans[narrowest][1] - spans[narrowest][0] {
            narrowest = i;
        }
    }
    let [low, high] = spans[narrowest];
    for (i, xs) in results.iter_mut().enumerate() {
        // The odd ones were pushed to the right: they share the right end.
        let by = if i % 2 == 0 { low - spans[i][0] } else { high - spans[i][1] };
        xs.iter_mut().for_each(|x| *x += by);
    }
    let mut axes = vec![0.0; n];
    for &cell in rows.iter().flatten() {
        let mut four = [results[0][cell], results[1][cell], results[2][cell], results[3][cell]];
        four.sort_by(f64::total_cmp);
        axes[cell] = (four[1] + four[2]) / 2.0;
    }
    axes
}

/// Hops that may become straight: those that cross no hop between lanes.
fn straight(
    rows: usize,
    hops: &[[usize; 2]],
    extents: &[Extent],
    place: &[usize],
    row_of: &[usize],
) -> Vec<[usize; 2]> {
    let mut by_row: Vec<Vec<[usize; 2]>> = vec![Vec::new(); rows];
    hops.iter().for_each(|&h| by_row[row_of[h[0]]].push(h));
    let inner = |h: &[usize; 2]| extents[h[0]].lane && extents[h[1]].lane;
    let mut kept = Vec::with_capacity(hops.len());
    for list in &by_row {
        for h in list {
            let crosses = |o: &[usize; 2]| {
                let (above, below) = (place[h[0]].cmp(&place[o[0]]), place[h[1]].cmp(&place[o[1]]));
                above.is_ne() && below.is_ne() && above != below
            };
            if inner(h) || !list.iter().any(|o| inner(o) && crosses(o)) {
                kept.push(*h);
            }
        }
    }
    kept
}

fn pass(
    rows: &[Vec<usize>],
    hops: &[[usize; 2]],
    extents: &[Extent],
    place: &[usize],
    up: bool,
    right: bool,
) -> Vec<f64> {
    let n = extents.len();
    let mut near: Vec<Vec<usize>> = vec![Vec::new(); n];
    for &[a, b] in hops {
        if up { near[a].push(b) } else { near[b].push(a) }
    }
    // Seen from the right, places count backwards.
    let length = rows.iter().map(Vec::len).max().unwrap_or(0);
    let seen = |cell: usize| if right { length - 1 - place[cell] } else { place[cell] };
    let ordered: Vec<Vec<usize>> = {
        let turned = rows.iter().map(|row| {
            let mut row = row.clone();
            if right {
                row.reverse();
            }
            row
        });
        let mut turned: Vec<_> = turned.collect();
        if up {
            turned.reverse();
        }
        turned
    };
    let mut root: Vec<usize> = (0..n).collect();
    let mut next: Vec<usize> = (0..n).collect();
    for row in &ordered {
        // The place after the last one taken in the row that the neighbours are in.
        let mut free = 0;
        for &cell in row {
            let list = &mut near[cell];
            list.sort_by_key(|&c| seen(c));
            if list.is_empty() {
                continue;
            }
            for m in [(list.len() - 1) / 2, list.len() / 2] {
                let other = list[m];
                if next[cell] == cell && free <= seen(other) {
                    next[other] = cell;
                    root[cell] = root[other];
                    next[cell] = root[cell];
                    free = seen(other) + 1;
                }
            }
        }
    }
    let apart = |a: usize, b: usize| {
        let (a, b) = if right { (&extents[b], &extents[a]) } else { (&extents[a], &extents[b]) };
        a.right + gap(a, b) + b.left
    };
    // Straight lines that stand side by side, as [left, right, distance].
    let mut after: Vec<Vec<(usize, f64)>> = vec![Vec::new(); n];
    let mut waits = vec![0usize; n];
    for row in &ordered {
        for pair in row.windows(2) {
            let (a, b) = (root[pair[0]], root[pair[1]]);
            after[a].push((b, apart(pair[0], pair[1])));
            waits[b] += 1;
        }
    }
    let mut x = vec![0.0f64; n];
    let mut done: Vec<usize> = Vec::with_capacity(n);
    let mut ready: Vec<usize> = Vec::new();
    for &cell in ordered.iter().flatten() {
        if root[cell] == cell && waits[cell] == 0 {
            ready.push(cell);
        }
    }
    while let Some(at) = ready.pop() {
        done.push(at);
        for &(b, distance) in &after[at] {
            x[b] = x[b].max(x[at] + distance);
            waits[b] -= 1;
            if waits[b] == 0 {
                ready.push(b);
            }
        }
    }
    // Then each as near to what stands after it as that allows.
    for &at in done.iter().rev() {
        let room = after[at].iter().map(|&(b, distance)| x[b] - distance).fold(f64::INFINITY, f64::min);
        if room.is_finite() {
            x[at] = x[at].max(room);
        }
    }
    let sign = if right { -1.0 } else { 1.0 };
    let mut axes = vec![0.0; n];
    for &cell in ordered.iter().flatten() {
        axes[cell] = sign * x[root[cell]];
    }
    axes
}
