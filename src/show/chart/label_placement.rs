//! Places the labels of points so that none overlaps another label, a point or the edge of the chart.

use super::rectangle::Rect;

/// The things that labels must not overlap.
pub(super) struct LabelObstacles<'a> {
    /// The area of the chart.
    pub frame: Rect,
    /// Centres of all points.
    pub points: &'a [[f64; 2]],
    /// Radius of a point.
    pub radius: f64,
    /// Horizontal and vertical lines that labels should not cross.
    pub lines: &'a [[[f64; 2]; 2]],
}

/// Distances from the point that are tried, in this order.
const DISTANCES: [f64; 4] = [4.0, 12.0, 24.0, 40.0];

/// Returns a rectangle for each label in `wanted`, which gives the index of its point and its width and height. Earlier
/// labels choose first; `None` where no place is left.
pub(super) fn place_labels(obstacles: &LabelObstacles<'_>, wanted: &[(usize, [f64; 2])]) -> Vec<Option<Rect>> {
    let taken: Vec<Rect> = obstacles.points.iter().map(|&p| Rect::centred_at(p, obstacles.radius + 1.0)).collect();
    let mut labels: Vec<Rect> = Vec::new();
    let mut places = Vec::with_capacity(wanted.len());
    for &(point, size) in wanted {
        let free = |rect: &Rect| {
            obstacles.frame.contains(rect) && !taken.iter().chain(&labels).any(|other| rect.overlaps(other))
        };
        let all = DISTANCES.iter().flat_map(|&gap| candidates(obstacles.points[point], obstacles.radius + gap, size));
        let mut best: Option<(usize, Rect)> = None;
        for rect in all.filter(free) {
            let crossings = obstacles.lines.iter().filter(|line| rect.is_crossed_by(**line)).count();
            if best.is_none_or(|(least, _)| crossings < least) {
                best = Some((crossings, rect));
            }
            if crossings == 0 {
                break;
            }
        }
        labels.extend(best.map(|(_, rect)| rect));
        places.push(best.map(|(_, rect)| rect));
    }
    places
}

/// Returns eight rectangles of a size around a point, those at its right first.
fn candidates([x, y]: [f64; 2], gap: f64, [width, height]: [f64; 2]) -> [Rect; 8] {
    let at = |left: f64, top: f64| Rect { left, top, right: left + width, bottom: top + height };
    let (right, left) = (x + gap, x - gap - width);
    let (above, below) = (y - gap - height, y + gap);
    let (level, middle) = (y - height / 2.0, x - width / 2.0);
    [
        at(right, level),
        at(right, above + gap / 2.0),
        at(right, below - gap / 2.0),
        at(middle, above),
        at(middle, below),
        at(left, level),
        at(left, above + gap / 2.0),
        at(left, below - gap / 2.0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FRAME: Rect = Rect { left: 80.0, top: 60.0, right: 740.0, bottom: 430.0 };

    proptest! {
        #[test]
        fn labels_stay_clear_of_all(
            points in prop::collection::vec((80.0..740.0f64, 60.0..430.0f64), 1..60),
            widths in prop::collection::vec(5.0..200.0f64, 60),
        ) {
            let points: Vec<[f64; 2]> = points.into_iter().map(|(x, y)| [x, y]).collect();
            let obstacles = LabelObstacles { frame: FRAME, points: &points, radius: 4.5, lines: &[] };
            let wanted: Vec<_> = (0..points.len()).map(|i| (i, [widths[i], 14.0])).collect();
            let places: Vec<Rect> = place_labels(&obstacles, &wanted).into_iter().flatten().collect();
            for (i, a) in places.iter().enumerate() {
                prop_assert!(FRAME.contains(a));
                prop_assert!(places[..i].iter().all(|b| !a.overlaps(b)), "{:?}", places);
                prop_assert!(points.iter().all(|p| !a.overlaps(&Rect::centred_at(*p, 4.5))));
            }
        }
    }

    /// A point with free space has a label, and labels do not cross lines where they can avoid it.
    #[test]
    fn what_has_room_is_labelled() {
        let points: Vec<[f64; 2]> = (0..5).map(|i| [100.0 + 120.0 * i as f64, 100.0 + 60.0 * i as f64]).collect();
        let lines: Vec<[[f64; 2]; 2]> = points.windows(2).map(|p| [p[0], [p[1][0], p[0][1]]]).collect();
        let obstacles = LabelObstacles { frame: FRAME, points: &points, radius: 4.5, lines: &lines };
        let wanted: Vec<_> = (0..points.len()).map(|i| (i, [60.0, 14.0])).collect();
        for rect in place_labels(&obstacles, &wanted) {
            let rect = rect.expect("there is room");
            assert!(!lines.iter().any(|line| rect.is_crossed_by(*line)), "{rect:?}");
        }
    }
}
