//! Pareto fronts of two quantities.

/// Marks the points of the Pareto front of two quantities to be minimised: those that no other point dominates, with less
/// of one quantity and not more of the other. Equal points are both on the front.
pub fn pareto_front(points: &[[i128; 2]]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_unstable_by_key(|&i| points[i]);
    let mut on = vec![false; points.len()];
    // The smallest second quantity among points with a smaller first one, and among those with an equal one.
    let (mut before, mut here) = (i128::MAX, i128::MAX);
    for (n, &i) in order.iter().enumerate() {
        let [x, y] = points[i];
        if n == 0 || points[order[n - 1]][0] != x {
            (before, here) = (before.min(here), y);
        }
        on[i] = y == here && y < before;
    }
    on
}

#[cfg(test)]
mod tests {
    use super::pareto_front;
    use proptest::prelude::*;

    /// Checks dominance by its definition.
    fn dominated(points: &[[i128; 2]], p: [i128; 2]) -> bool {
        points.iter().any(|q| q != &p && q[0] <= p[0] && q[1] <= p[1])
    }

    proptest! {
        #[test]
        fn it_holds_what_nothing_dominates(points in prop::collection::vec([0..12i64, 0..12i64], 0..40)) {
            let points: Vec<[i128; 2]> = points.iter().map(|p| p.map(i128::from)).collect();
            for (p, on) in points.iter().zip(pareto_front(&points)) {
                prop_assert_eq!(on, !dominated(&points, *p), "{:?} of {:?}", p, &points);
            }
        }
    }
}
