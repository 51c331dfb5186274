//! Limits the number of images, for small machines.

use super::case::Case;
use super::split::CasesByRole;

/// Keeps about `images` images. Each role keeps its share and at least one image, evenly spread over its order, so that the kept
/// images are not consecutive frames of one video or slices of one patient.
pub(super) fn limit_images(parts: &mut CasesByRole, images: usize) {
    let all = [&parts.train, &parts.val, &parts.test].iter().map(|cases| cases.len()).sum::<usize>();
    if images >= all {
        return;
    }
    let thinned = |cases: &mut Vec<Case>| {
        let n = cases.len();
        let keep = ((n as f64 * images as f64 / all as f64).round() as usize).clamp(n.min(1), n);
        let mut kept = vec![false; n];
        (0..keep).for_each(|i| kept[i * n / keep] = true);
        let mut kept = kept.into_iter();
        cases.retain(|_| kept.next() == Some(true));
    };
    thinned(&mut parts.train);
    thinned(&mut parts.val);
    thinned(&mut parts.test);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_keeps_its_share() {
        let cases =
            |n: usize| -> Vec<Case> { (0..n).map(|i| Case { stem: i.to_string(), ..Case::default() }).collect() };
        let stems = |cases: &[Case]| cases.iter().map(|c| c.stem.parse().unwrap()).collect::<Vec<usize>>();
        let mut parts = CasesByRole { train: cases(80), val: cases(0), test: cases(20) };
        limit_images(&mut parts, 10);
        assert_eq!(stems(&parts.train), [0, 10, 20, 30, 40, 50, 60, 70]);
        assert_eq!((stems(&parts.val), stems(&parts.test)), (vec![], vec![0, 10]));
        limit_images(&mut parts, 1);
        assert_eq!((stems(&parts.train), stems(&parts.test)), (vec![0], vec![0]));
        let mut parts = CasesByRole { train: cases(3), val: cases(2), test: cases(2) };
        limit_images(&mut parts, 7);
        assert_eq!([parts.train.len(), parts.val.len(), parts.test.len()], [3, 2, 2]);
    }
}
