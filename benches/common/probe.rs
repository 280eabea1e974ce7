//! The memory limit: a pass that moves the bytes of an update and does next to nothing with them.

use aligned_vec::{AVec, ConstAlign};
use pulp::{Arch, Simd, WithSimd};

/// The operations that the probe needs of a number.
pub trait Number: Copy + Default + std::ops::Add<Output = Self> + std::ops::Mul<Output = Self> + 'static {}
impl Number for f32 {}
impl Number for f64 {}

type Column<T> = AVec<T, ConstAlign<64>>;

/// Columns like a bank's: `written` of them are read and written back, `read` only read, and so is the row of samples.
pub struct Probe<T> {
    written: Vec<Column<T>>,
    read: Vec<Column<T>>,
}

impl<T: Number> Probe<T> {
    pub fn new(channels: usize, written: usize, read: usize) -> Self {
        let column = || {
            let mut column = Column::new(64);
            column.resize(channels, T::default());
            column
        };
        Self { written: (0..written).map(|_| column()).collect(), read: (0..read).map(|_| column()).collect() }
    }

    /// Bytes moved per channel: a written column counts twice.
    pub fn bytes(&self) -> usize {
        (2 * self.written.len() + self.read.len() + 1) * size_of::<T>()
    }

    /// One pass, vectorised by the compiler for the best instruction set of the machine.
    pub fn pass(&mut self, samples: &[T]) {
        match (&mut self.written[..], &self.read[..]) {
            ([a, b, c], []) => Arch::new().dispatch(Three { a, b, c, samples }),
            ([a], [c]) => Arch::new().dispatch(One { a, c, samples }),
            ([a, b, c], [d]) => Arch::new().dispatch(Four { a, b, c, d, samples }),
            (written @ [_, _, _, _], [read, other]) => Arch::new().dispatch(Six { written, read, other, samples }),
            (written @ [_, _, _, _], [read]) => Arch::new().dispatch(Five { written, read, samples }),
            _ => unreachable!("no rule moves columns like that"),
        }
    }
}

/// Three columns written. A struct and not a closure, because a closure is not always inlined into the function that
/// carries the instruction set, and then the loop is compiled for the baseline.
struct Three<'a, T> {
    a: &'a mut [T],
    b: &'a mut [T],
    c: &'a mut [T],
    samples: &'a [T],
}

impl<T: Number> WithSimd for Three<'_, T> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (((a, b), c), &x) in self.a.iter_mut().zip(self.b).zip(self.c).zip(self.samples) {
            *a = *a + x;
            *b = *b + x;
            *c = *c + x;
        }
    }
}

/// Three columns written, one read.
struct Four<'a, T> {
    a: &'a mut [T],
    b: &'a mut [T],
    c: &'a mut [T],
    d: &'a [T],
    samples: &'a [T],
}

impl<T: Number> WithSimd for Four<'_, T> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for ((((a, b), c), &d), &x) in self.a.iter_mut().zip(self.b).zip(self.c).zip(self.d).zip(self.samples) {
            *a = *a + x;
            *b = *b + d;
            *c = *c + x;
        }
    }
}

/// Four columns written, one read.
struct Five<'a, T> {
    written: &'a mut [Column<T>],
    read: &'a [T],
    samples: &'a [T],
}

impl<T: Number> WithSimd for Five<'_, T> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let [one, two, three, four] = self.written else { return };
        let written = one.iter_mut().zip(two.iter_mut()).zip(three.iter_mut()).zip(four.iter_mut());
        for ((((one, two), three), four), (&d, &x)) in written.zip(self.read.iter().zip(self.samples)) {
            *one = *one + x;
            *two = *two + d;
            *three = *three + x;
            *four = *four + d;
        }
    }
}

/// Four columns written, two read.
struct Six<'a, T> {
    written: &'a mut [Column<T>],
    read: &'a [T],
    other: &'a [T],
    samples: &'a [T],
}

impl<T: Number> WithSimd for Six<'_, T> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let [one, two, three, four] = self.written else { return };
        let written = one.iter_mut().zip(two.iter_mut()).zip(three.iter_mut()).zip(four.iter_mut());
        let read = self.read.iter().zip(self.other).zip(self.samples);
        for ((((one, two), three), four), ((&d, &e), &x)) in written.zip(read) {
            *one = *one + x;
            *two = *two + d;
            *three = *three + e;
            *four = *four + x;
        }
    }
}

/// One column written, one read.
struct One<'a, T> {
    a: &'a mut [T],
    c: &'a [T],
    samples: &'a [T],
}

impl<T: Number> WithSimd for One<'_, T> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (a, (&c, &x)) in self.a.iter_mut().zip(self.c.iter().zip(self.samples)) {
            *a = *a + x * c;
        }
    }
}

/// A read-only pass over a block, in one stream: a limit of block sweeps, whose state stays in the cache. Many sums, so
/// that the additions do not wait for each other.
pub fn read_only<T: Number>(block: &[T]) -> T {
    Arch::new().dispatch(Sum(block))
}

/// Reads in four streams at once, which some machines do faster.
pub fn read_four<T: Number>(block: &[T]) -> T {
    Arch::new().dispatch(SumOfFour(block))
}

struct SumOfFour<'a, T>(&'a [T]);

impl<T: Number> WithSimd for SumOfFour<'_, T> {
    type Output = T;
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> T {
        let mut sums = [T::default(); 64];
        let quarter = self.0.len() / 4;
        let stream = |number: usize| self.0[number * quarter..][..quarter].as_chunks::<16>().0;
        let (one, two, three, four) = (stream(0), stream(1), stream(2), stream(3));
        for (((one, two), three), four) in one.iter().zip(two).zip(three).zip(four) {
            for lane in 0..16 {
                sums[lane] = sums[lane] + one[lane];
                sums[16 + lane] = sums[16 + lane] + two[lane];
                sums[32 + lane] = sums[32 + lane] + three[lane];
                sums[48 + lane] = sums[48 + lane] + four[lane];
            }
        }
        sums.into_iter().fold(T::default(), |a, b| a + b)
    }
}

struct Sum<'a, T>(&'a [T]);

impl<T: Number> WithSimd for Sum<'_, T> {
    type Output = T;
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> T {
        let mut sums = [T::default(); 64];
        for chunk in self.0.as_chunks::<64>().0 {
            for (sum, &x) in sums.iter_mut().zip(chunk) {
                *sum = *sum + x;
            }
        }
        sums.into_iter().fold(T::default(), |a, b| a + b)
    }
}
