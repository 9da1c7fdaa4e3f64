//! Vectors of a line of sequences, `[numbers, lanes]`: their directions and their agreement with goals.

use crate::element::Element;
use crate::kernels::tile::lanes;
use crate::vectors::Kernel;

/// Added to a squared length, so that it is never 0.
const EPSILON: f64 = 1e-12;

/// The most lanes of a line: those of f32.
const MOST_LANES: usize = lanes::<f32>();

/// A number of each lane.
pub(super) type Lanes<T> = [T; MOST_LANES];

/// x ← x / ‖x‖. Returns 1 / ‖x‖.
pub(super) struct Normalize<'a, T>(pub(super) &'a mut [T]);

impl<T: Element> Kernel for Normalize<'_, T> {
    type Output = Lanes<T>;

    #[inline(always)]
    fn call(self) -> Lanes<T> {
        let mut squares = [T::from_f64(EPSILON); MOST_LANES];
        for row in self.0.chunks_exact(lanes::<T>()) {
            let pairs = squares.iter_mut().zip(row);
            pairs.for_each(|(sum, x)| *sum += *x * *x);
        }
        let inverse = squares.map(|square| T::one() / Element::sqrt(square));
        for row in self.0.chunks_exact_mut(lanes::<T>()) {
            let pairs = row.iter_mut().zip(&inverse);
            pairs.for_each(|(x, inverse)| *x *= *inverse);
        }
        inverse
    }
}

/// by ← the gradient with respect to what became x, from that with respect to x: (by − (by · x) x) / ‖…‖.
pub(super) struct NormalizeBack<'a, T> {
    pub(super) x: &'a [T],
    /// What [`Normalize`] returned.
    pub(super) inverse: &'a [T],
    pub(super) by: &'a mut [T],
}

impl<T: Element> Kernel for NormalizeBack<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let lanes = lanes::<T>();
        let mut along = [T::zero(); MOST_LANES];
        for (x, by) in self.x.chunks_exact(lanes).zip(self.by.chunks_exact(lanes)) {
            for ((sum, x), by) in along.iter_mut().zip(x).zip(by) {
                *sum += *x * *by;
            }
        }
        let rows = self.x.chunks_exact(lanes);
        for (x, by) in rows.zip(self.by.chunks_exact_mut(lanes)) {
            let numbers = by.iter_mut().zip(x).zip(along.iter().zip(self.inverse));
            for ((by, x), (along, inverse)) in numbers {
                *by = (*by - *along * *x) * *inverse;
            }
        }
    }
}

/// cos(to − from, goal) of each lane, with a goal of length 1, and 1 / ‖to − from‖.
pub(super) struct Direction<'a, T> {
    pub(super) from: &'a [T],
    pub(super) to: &'a [T],
    pub(super) goal: &'a [T],
}

impl<T: Element> Kernel for Direction<'_, T> {
    type Output = (Lanes<T>, Lanes<T>);

    #[inline(always)]
    fn call(self) -> (Lanes<T>, Lanes<T>) {
        let lanes = lanes::<T>();
        let mut squares = [T::from_f64(EPSILON); MOST_LANES];
        let mut products = [T::zero(); MOST_LANES];
        let rows = self
            .from
            .chunks_exact(lanes)
            .zip(self.to.chunks_exact(lanes));
        for ((from, to), goal) in rows.zip(self.goal.chunks_exact(lanes)) {
            let sums = squares.iter_mut().zip(&mut products);
            let numbers = from.iter().zip(to).zip(goal);
            for ((square, product), ((from, to), goal)) in sums.zip(numbers) {
                let move_ = *to - *from;
                *square += move_ * move_;
                *product += move_ * *goal;
            }
        }
        let inverse = squares.map(|square| T::one() / Element::sqrt(square));
        let mut cosines = products;
        let pairs = cosines.iter_mut().zip(&inverse);
        pairs.for_each(|(cosine, inverse)| *cosine *= *inverse);
        (cosines, inverse)
    }
}

/// y `[a · b, lanes]` ← the products of all numbers of w `[a, lanes]` with all of h `[b, lanes]`.
pub(super) struct Outer<'a, T> {
    pub(super) w: &'a [T],
    pub(super) h: &'a [T],
    pub(super) y: &'a mut [T],
}

impl<T: Element> Kernel for Outer<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let lanes = lanes::<T>();
        let blocks = self.y.chunks_exact_mut(self.h.len());
        for (w, block) in self.w.chunks_exact(lanes).zip(blocks) {
            let rows = block
                .chunks_exact_mut(lanes)
                .zip(self.h.chunks_exact(lanes));
            for (y, h) in rows {
                for ((y, h), w) in y.iter_mut().zip(h).zip(w) {
                    *y = *w * *h;
                }
            }
        }
    }
}

/// by_h ← the gradient with respect to h, and by_w plus that with respect to w, from that with respect to y.
pub(super) struct OuterBack<'a, T> {
    pub(super) w: &'a [T],
    pub(super) h: &'a [T],
    pub(super) by_y: &'a [T],
    pub(super) by_w: &'a mut [T],
    pub(super) by_h: &'a mut [T],
}

impl<T: Element> Kernel for OuterBack<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let lanes = lanes::<T>();
        self.by_h.fill(T::zero());
        let factors = self.w.chunks_exact(lanes);
        let factors = factors.zip(self.by_w.chunks_exact_mut(lanes));
        for ((w, by_w), block) in factors.zip(self.by_y.chunks_exact(self.h.len())) {
            let rows = self.h.chunks_exact(lanes);
            let rows = rows.zip(self.by_h.chunks_exact_mut(lanes));
            for ((h, by_h), by_y) in rows.zip(block.chunks_exact(lanes)) {
                let of_w = w.iter().zip(&mut *by_w);
                let of_h = h.iter().zip(by_h);
                for (((w, by_w), (h, by_h)), by_y) in of_w.zip(of_h).zip(by_y) {
                    *by_w += *by_y * *h;
                    *by_h += *by_y * *w;
                }
            }
        }
    }
}
