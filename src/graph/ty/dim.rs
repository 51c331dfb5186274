//! Dims as formulas in the image's height and width.
//!
//! A [`Dim`] is a polynomial with integer coefficients over atoms: `H`, `W`, `floor(dim / n)` and `min(dim, dim)`;
//! `ceil(a / n)` is `floor((a + n - 1) / n)`, and `max(a, b)` is `-min(-a, -b)`. Every dim is stored in one canonical form,
//! in which multiples of the divisor are outside of `floor` and nested roundings are merged
//! (`floor(floor(x / a) / b) = floor(x / (a b))` for integers x). Formulas that differ only in how they were computed are
//! therefore equal.
//!
//! Arithmetic returns `None` beyond 128 bits and beyond [`MAX_SIZE`] atoms: formulas are meant to be read, and a hostile file
//! must not be able to grow one without end.

mod show;

use crate::base::integer::gcd;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The largest number of atoms and terms of a formula, nested ones included.
pub(super) const MAX_SIZE: usize = 400;

/// A formula in the image's height and width. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dim(Repr);

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Repr {
    Const(i128),
    /// A sum that is not constant.
    Sum(Arc<Sum>),
}

#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Sum {
    /// Products of atoms with their coefficients. Products and terms are sorted, no coefficient is 0, and the empty product is
    /// the constant term.
    terms: Vec<(Vec<Atom>, i128)>,
    /// Number of atoms and terms, nested ones included.
    size: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Atom {
    Height,
    Width,
    /// `floor(dim / divisor)` for a divisor above 1. All coefficients of the dim lie in `0..divisor`.
    Floor(Dim, i128),
    /// The minimum of two dims, in sorted order, whose difference is not constant.
    Min(Dim, Dim),
}

impl Atom {
    fn size(&self) -> usize {
        match self {
            Atom::Height | Atom::Width => 1,
            Atom::Floor(inner, _) => 1 + inner.size(),
            Atom::Min(a, b) => 1 + a.size() + b.size(),
        }
    }

    fn eval(&self, size: [i128; 2]) -> Option<i128> {
        match self {
            Atom::Height => Some(size[0]),
            Atom::Width => Some(size[1]),
            Atom::Floor(inner, by) => Some(inner.value(size)?.div_euclid(*by)),
            Atom::Min(a, b) => Some(a.value(size)?.min(b.value(size)?)),
        }
    }
}

impl Dim {
    /// The formula 1.
    pub const ONE: Dim = Dim(Repr::Const(1));

    /// Makes a formula that is this number at every image size.
    pub fn constant(n: i128) -> Self {
        Dim(Repr::Const(n))
    }

    /// Returns the formula of the image's height.
    pub fn height() -> Self {
        Self::atom(Atom::Height)
    }

    /// Returns the formula of the image's height for axis 1, of its width for axis 2.
    pub fn image_side(axis: usize) -> Self {
        if axis == 1 { Self::height() } else { Self::width() }
    }

    /// Returns the formula of the image's width.
    pub fn width() -> Self {
        Self::atom(Atom::Width)
    }

    fn atom(atom: Atom) -> Self {
        let size = 1 + atom.size();
        Dim(Repr::Sum(Arc::new(Sum { terms: vec![(vec![atom], 1)], size })))
    }

    /// Returns the number where the formula depends on no size.
    pub fn as_const(&self) -> Option<i128> {
        match self.0 {
            Repr::Const(n) => Some(n),
            Repr::Sum(_) => None,
        }
    }

    fn terms(&self) -> &[(Vec<Atom>, i128)] {
        match &self.0 {
            Repr::Const(_) => &[],
            Repr::Sum(sum) => &sum.terms,
        }
    }

    /// Returns the constant term.
    fn offset(&self) -> i128 {
        match &self.0 {
            Repr::Const(n) => *n,
            Repr::Sum(sum) => sum.terms.first().filter(|(atoms, _)| atoms.is_empty()).map_or(0, |(_, n)| *n),
        }
    }

    fn size(&self) -> usize {
        match &self.0 {
            Repr::Const(_) => 1,
            Repr::Sum(sum) => sum.size,
        }
    }

    /// Makes a formula of terms with coefficients, which may be 0. `None` beyond [`MAX_SIZE`].
    fn from_terms(terms: BTreeMap<Vec<Atom>, i128>) -> Option<Dim> {
        let terms: Vec<_> = terms.into_iter().filter(|(_, n)| *n != 0).collect();
        match &terms[..] {
            [] => Some(Dim::constant(0)),
            [(atoms, n)] if atoms.is_empty() => Some(Dim::constant(*n)),
            _ => {
                let size = terms.iter().map(|(atoms, _)| 1 + atoms.iter().map(Atom::size).sum::<usize>()).sum();
                (size <= MAX_SIZE).then(|| Dim(Repr::Sum(Arc::new(Sum { terms, size }))))
            }
        }
    }

    fn term_map(&self) -> BTreeMap<Vec<Atom>, i128> {
        match &self.0 {
            Repr::Const(n) => BTreeMap::from([(Vec::new(), *n)]),
            Repr::Sum(sum) => sum.terms.iter().cloned().collect(),
        }
    }

    /// Adds two formulas; `None` beyond the limits of a formula.
    pub fn plus(&self, other: &Dim) -> Option<Dim> {
        if let (Some(a), Some(b)) = (self.as_const(), other.as_const()) {
            return a.checked_add(b).map(Dim::constant);
        }
        let mut terms = self.term_map();
        add(&mut terms, other, 1)?;
        Self::from_terms(terms)
    }

    /// Subtracts `other`; `None` beyond the limits of a formula.
    pub fn minus(&self, other: &Dim) -> Option<Dim> {
        self.plus(&other.times_n(-1)?)
    }

    /// Adds a number; `None` beyond the limits of a formula.
    pub fn plus_n(&self, n: i128) -> Option<Dim> {
        if n == 0 { Some(self.clone()) } else { self.plus(&Dim::constant(n)) }
    }

    /// Multiplies by a number; `None` beyond the limits of a formula.
    pub fn times_n(&self, n: i128) -> Option<Dim> {
        if n == 1 { Some(self.clone()) } else { self.times(&Dim::constant(n)) }
    }

    /// Multiplies two formulas; `None` beyond the limits of a formula.
    pub fn times(&self, other: &Dim) -> Option<Dim> {
        match (self.as_const(), other.as_const()) {
            (Some(a), Some(b)) => return a.checked_mul(b).map(Dim::constant),
            (Some(1), None) => return Some(other.clone()),
            (None, Some(1)) => return Some(self.clone()),
            _ => {}
        }
        if self.size().saturating_mul(other.size()) > MAX_SIZE * MAX_SIZE {
            return None;
        }
        let mut terms: BTreeMap<Vec<Atom>, i128> = BTreeMap::new();
        let (left, right) = (self.term_map(), other.term_map());
        for (a, n) in &left {
            for (b, m) in &right {
                let mut atoms: Vec<Atom> = a.iter().chain(b).cloned().collect();
                atoms.sort_unstable();
                let product = n.checked_mul(*m)?;
                let entry = terms.entry(atoms).or_insert(0);
                *entry = entry.checked_add(product)?;
            }
        }
        Self::from_terms(terms)
    }

    /// Returns `floor(self / by)` for `by` above 0; `None` beyond the limits of a formula.
    pub fn floor_div(&self, by: i128) -> Option<Dim> {
        debug_assert!(by > 0);
        if by == 1 {
            return Some(self.clone());
        }
        if let Some(n) = self.as_const() {
            return Some(Dim::constant(n.div_euclid(by)));
        }
        // Multiples of the divisor are taken out of `floor`, so that coefficients inside are below the divisor.
        let (mut outside, mut inside) = (BTreeMap::new(), BTreeMap::new());
        for (atoms, n) in self.term_map() {
            outside.insert(atoms.clone(), n.div_euclid(by));
            inside.insert(atoms, n.rem_euclid(by));
        }
        let outside = Self::from_terms(outside)?;
        outside.plus(&Self::floor_of_remainder(Self::from_terms(inside)?, by)?)
    }

    fn floor_of_remainder(rest: Dim, by: i128) -> Option<Dim> {
        let offset = rest.offset();
        let moving: Vec<_> = rest.terms().iter().filter(|(atoms, _)| !atoms.is_empty()).collect();
        let common = moving.iter().fold(by, |g, (_, n)| gcd(g, *n));
        if common > 1 {
            let mut terms: BTreeMap<_, _> = moving.iter().map(|(a, n)| (a.clone(), n / common)).collect();
            terms.insert(Vec::new(), offset.div_euclid(common));
            return Self::from_terms(terms)?.floor_div(by / common);
        }
        match &moving[..] {
            [] => Some(Dim::constant(offset.div_euclid(by))),
            // floor((floor(x / a) + k) / b) = floor((x + k a) / (a b))
            [(atoms, 1)] if let [Atom::Floor(x, a)] = &atoms[..] => {
                x.plus_n(offset.checked_mul(*a)?)?.floor_div(a.checked_mul(by)?)
            }
            _ => Some(Self::atom(Atom::Floor(rest, by))),
        }
    }

    /// Returns `ceil(self / by)` for `by` above 0; `None` beyond the limits of a formula.
    pub fn ceil_div(&self, by: i128) -> Option<Dim> {
        self.plus_n(by - 1)?.floor_div(by)
    }

    /// Returns the remainder of `self / by`, from 0 to `by - 1`; `None` beyond the limits of a formula.
    pub fn rem(&self, by: i128) -> Option<Dim> {
        self.minus(&self.floor_div(by)?.times_n(by)?)
    }

    /// Returns `min(self, other)`; `None` beyond the limits of a formula.
    pub fn smaller_of(&self, other: &Dim) -> Option<Dim> {
        let gap = other.minus(self)?;
        match gap.as_const() {
            Some(n) if n >= 0 => Some(self.clone()),
            Some(_) => Some(other.clone()),
            None => {
                let (a, b) = if self <= other { (self, other) } else { (other, self) };
                Some(Self::atom(Atom::Min(a.clone(), b.clone()))).filter(|d| d.size() <= MAX_SIZE)
            }
        }
    }

    /// Returns `max(self, other)`; `None` beyond the limits of a formula.
    pub fn larger_of(&self, other: &Dim) -> Option<Dim> {
        self.times_n(-1)?.smaller_of(&other.times_n(-1)?)?.times_n(-1)
    }

    /// Returns the value for an image of `[height, width]`; `None` beyond 128 bits.
    pub fn eval(&self, size: [usize; 2]) -> Option<i128> {
        self.value(size.map(|n| n as i128))
    }

    fn value(&self, size: [i128; 2]) -> Option<i128> {
        match &self.0 {
            Repr::Const(n) => Some(*n),
            Repr::Sum(sum) => sum.terms.iter().try_fold(0i128, |total, (atoms, n)| {
                let product = atoms.iter().try_fold(*n, |p, atom| p.checked_mul(atom.eval(size)?))?;
                total.checked_add(product)
            }),
        }
    }

    /// Returns the terms of the sum, products of more atoms first.
    pub fn summands(&self) -> Vec<Dim> {
        let Repr::Sum(sum) = &self.0 else { return vec![self.clone()] };
        let one = |(atoms, n): &(Vec<Atom>, i128)| match atoms.is_empty() {
            true => Dim::constant(*n),
            false => Dim(Repr::Sum(Arc::new(Sum { terms: vec![(atoms.clone(), *n)], size: sum.size }))),
        };
        let mut terms: Vec<_> = sum.terms.iter().collect();
        terms.sort_by_key(|(atoms, _)| std::cmp::Reverse(atoms.len()));
        terms.into_iter().map(one).collect()
    }

    /// Returns whether it depends on the image's height (axis 0) or width (axis 1).
    pub fn depends_on(&self, axis: usize) -> bool {
        self.any_atom(&mut |atom| matches!((atom, axis), (Atom::Height, 0) | (Atom::Width, 1)))
    }

    fn any_atom(&self, test: &mut dyn FnMut(&Atom) -> bool) -> bool {
        self.terms().iter().flat_map(|(atoms, _)| atoms).any(|atom| {
            test(atom)
                || match atom {
                    Atom::Height | Atom::Width => false,
                    Atom::Floor(inner, _) => inner.any_atom(test),
                    Atom::Min(a, b) => a.any_atom(test) || b.any_atom(test),
                }
        })
    }

    /// Returns a number p such that a dim in one variable grows by the same amount with every p pixels, from some size on,
    /// because all its `floor` and `min` atoms repeat. `None` for products of atoms, which do not grow evenly, and for a huge
    /// p.
    pub fn period(&self) -> Option<i128> {
        self.terms().iter().try_fold(1, |period, (atoms, _)| {
            let inner = match &atoms[..] {
                [] | [Atom::Height | Atom::Width] => 1,
                [Atom::Floor(inner, by)] => inner.period()?.checked_mul(*by)?,
                [Atom::Min(a, b)] => lcm(a.period()?, b.period()?)?,
                _ => return None,
            };
            lcm(period, inner)
        })
    }

    /// Returns the operands of all `min` atoms.
    pub fn min_operands(&self) -> Vec<(Dim, Dim)> {
        let mut pairs = Vec::new();
        self.any_atom(&mut |atom| {
            if let Atom::Min(a, b) = atom {
                pairs.push((a.clone(), b.clone()));
            }
            false
        });
        pairs
    }
}

impl From<usize> for Dim {
    fn from(n: usize) -> Self {
        Dim::constant(n as i128)
    }
}

/// `into += times * dim`
fn add(into: &mut BTreeMap<Vec<Atom>, i128>, dim: &Dim, times: i128) -> Option<()> {
    let mut one = |atoms: &[Atom], n: i128| {
        let product = n.checked_mul(times)?;
        match into.get_mut(atoms) {
            Some(entry) => *entry = entry.checked_add(product)?,
            None => drop(into.insert(atoms.to_vec(), product)),
        }
        Some(())
    };
    match &dim.0 {
        Repr::Const(n) => one(&[], *n),
        Repr::Sum(sum) => sum.terms.iter().try_for_each(|(atoms, n)| one(atoms, *n)),
    }
}

/// Returns the least common multiple of two numbers above 0; `None` above 2^40.
pub(crate) fn lcm(a: i128, b: i128) -> Option<i128> {
    (a / gcd(a, b)).checked_mul(b).filter(|p| *p <= 1 << 40)
}

/// A sum of many dims. It may have more terms than a [`Dim`] that arithmetic returns.
#[derive(Debug, Clone, Default)]
pub struct DimSum {
    terms: BTreeMap<Vec<Atom>, i128>,
    overflowed: bool,
}

impl DimSum {
    const MAX_TERMS: usize = 1000;

    /// Adds a dim. `None`, which is a dim beyond the limits, makes the whole sum unknown.
    pub fn add(&mut self, dim: Option<&Dim>) {
        let added = dim.and_then(|dim| add(&mut self.terms, dim, 1));
        self.overflowed |= added.is_none() || self.terms.len() > Self::MAX_TERMS;
        if self.overflowed {
            self.terms.clear();
        }
    }

    /// Returns the sum; `None` where a part of it was beyond the limits.
    pub fn dim(self) -> Option<Dim> {
        if self.overflowed {
            return None;
        }
        let size = self.terms.len();
        let terms: Vec<_> = self.terms.into_iter().filter(|(_, n)| *n != 0).collect();
        Some(match &terms[..] {
            [] => Dim::constant(0),
            [(atoms, n)] if atoms.is_empty() => Dim::constant(*n),
            _ => Dim(Repr::Sum(Arc::new(Sum { terms, size }))),
        })
    }
}
