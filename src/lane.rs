//! The lane operations that rules may use: single IEEE-754 operations on as many lanes as the instruction set has.
//!
//! [`Lane`], [`Mask`] and [`Word`] wrap pulp's registers so that a rule reads like its equation. Each operation is one
//! IEEE operation, comparison, select or bit operation. There is no fused multiply-add here, no approximate reciprocal
//! and no reduction across lanes, because those differ between instruction sets and the promise is the same bits
//! everywhere.
//!
//! [`Real`] is implemented for `f32` and `f64` and by nothing else.

use crate::dispatch::{all_of, bits_of};
use core::fmt::Debug;
use core::ops::{Add, BitAnd, BitOr, Div, Mul, Not, Sub};
use pulp::Simd;
use pulp::bytemuck::{NoUninit, Pod, bytes_of, cast};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// The element type of samples and state columns: `f32` or `f64`. Sealed.
///
/// `f64` is the default everywhere. `f32` halves the memory and doubles the speed; it is good while
/// `|mean| / sigma <= gain * 2^22`, because an update smaller than half an ulp of the location is lost.
pub trait Real: sealed::Sealed + Ops + Debug + Default + PartialEq + PartialOrd + Send + Sync + 'static {
    /// Half the largest finite value. Samples are clamped to plus and minus this, so that no difference of two of them
    /// overflows; an infinity counts as this, with its sign.
    const HALF_MAX: Self;
    /// The largest finite value.
    const MAX: Self;
    /// The largest number whose square is finite: just below `2^64` in `f32`, `2^512` in `f64`.
    const SQRT_MAX: Self;
    /// The canonical NaN: a missing sample, and the location of a channel that has seen nothing.
    const NAN: Self;
    /// The smallest gain that this type has room for: `2^-22` in `f32`, `2^-50` in `f64`.
    const MIN_GAIN: f64;
    /// The least scale as a part of |location|: `2^-20` in `f32`, `2^-40` in `f64`.
    const RELATIVE_FLOOR: f64;
    /// The least scale: `2^-100` in `f32`, `2^-960` in `f64`.
    const ABSOLUTE_FLOOR: f64;
    /// The name of the type: `"f32"` or `"f64"`.
    const NAME: &'static str;

    /// The nearest number of this type (one rounding).
    #[must_use]
    fn from_f64(value: f64) -> Self;
    /// The number as `f64`, exactly.
    #[must_use]
    fn to_f64(self) -> f64;
    /// The number as bits, in the low end of a `u64`.
    #[must_use]
    fn to_word(self) -> u64;
    /// The number whose bits are the low end of `word`.
    #[must_use]
    fn from_word(word: u64) -> Self;
}

/// The operations that [`Real`] needs from pulp, by one name for `f32s` and `f64s`. Every method is one operation on
/// all lanes.
#[doc(hidden)]
pub trait Ops: Pod {
    /// The number of low bits of a word whose counts [`Lane`] arithmetic reads exactly: the width of the mantissa.
    const COUNT_BITS: u32;
    /// `2^COUNT_BITS`, whose mantissa bits are all zero: room for a count.
    const COUNT_BASE: Self;
    /// The number of low bits of a word that hold an age, below strikes and a resolution: twelve bits fewer than a
    /// word.
    const AGE_BITS: u32;

    type Lanes<S: Simd>: Pod + Debug + Send + Sync;
    type Masks<S: Simd>: NoUninit + Debug;
    type Words<S: Simd>: Copy + Debug;

    fn lanes<S: Simd>() -> usize;
    fn split<S: Simd>(slice: &[Self]) -> (&[Self::Lanes<S>], &[Self]);
    fn split_mut<S: Simd>(slice: &mut [Self]) -> (&mut [Self::Lanes<S>], &mut [Self]);
    fn partial_load<S: Simd>(simd: S, slice: &[Self]) -> Self::Lanes<S>;
    fn partial_store<S: Simd>(simd: S, slice: &mut [Self], value: Self::Lanes<S>);
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Lanes<S>;
    fn splat_word<S: Simd>(simd: S, value: u64) -> Self::Words<S>;
    fn add<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    fn sub<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    fn mul<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    fn div<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    fn sqrt<S: Simd>(simd: S, a: Self::Lanes<S>) -> Self::Lanes<S>;
    fn abs<S: Simd>(simd: S, a: Self::Lanes<S>) -> Self::Lanes<S>;
    fn min<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    fn max<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    fn less<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Masks<S>;
    fn less_or_equal<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Masks<S>;
    fn equal<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Masks<S>;
    fn select<S: Simd>(simd: S, m: Self::Masks<S>, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    fn mask_and<S: Simd>(simd: S, a: Self::Masks<S>, b: Self::Masks<S>) -> Self::Masks<S>;
    fn mask_or<S: Simd>(simd: S, a: Self::Masks<S>, b: Self::Masks<S>) -> Self::Masks<S>;
    fn mask_not<S: Simd>(simd: S, a: Self::Masks<S>) -> Self::Masks<S>;
    fn word_from<S: Simd>(simd: S, a: Self::Lanes<S>) -> Self::Words<S>;
    fn word_into<S: Simd>(simd: S, a: Self::Words<S>) -> Self::Lanes<S>;
    fn word_and<S: Simd>(simd: S, a: Self::Words<S>, b: Self::Words<S>) -> Self::Words<S>;
    fn word_or<S: Simd>(simd: S, a: Self::Words<S>, b: Self::Words<S>) -> Self::Words<S>;
    fn word_add<S: Simd>(simd: S, a: Self::Words<S>, b: Self::Words<S>) -> Self::Words<S>;
    fn word_sub<S: Simd>(simd: S, a: Self::Words<S>, b: Self::Words<S>) -> Self::Words<S>;
    fn word_eq<S: Simd>(simd: S, a: Self::Words<S>, b: Self::Words<S>) -> Self::Masks<S>;
    fn word_select<S: Simd>(simd: S, m: Self::Masks<S>, a: Self::Words<S>, b: Self::Words<S>) -> Self::Words<S>;
}

/// `2^exponent`, for exponents of normal numbers.
#[allow(clippy::cast_sign_loss)] // 1023 + exponent is positive for every normal number
const fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// Forwards each method of a table to the pulp operation of this float type.
macro_rules! forward {
    ($($name:ident ( $($arg:ident : $ty:ident),* ) -> $out:ident = $pulp:ident;)*) => {
        $(#[inline(always)]
        fn $name<S: Simd>(simd: S $(, $arg: Self::$ty<S>)*) -> Self::$out<S> {
            simd.$pulp($($arg),*)
        })*
    };
}

macro_rules! real {
    ($real:ident, $bits:ident, $sqrt_max:literal, $count_bits:literal, $min_gain:literal, $relative:literal, $absolute:literal,
     $lanes:ident, $masks:ident, $words:ident, $lane_count:ident, $as_simd:ident, $as_mut_simd:ident,
     $partial_load:ident, $partial_store:ident, $splat:ident, $splat_word:ident, { $($table:tt)* }) => {
        impl Real for $real {
            const HALF_MAX: Self = $real::MAX / 2.0;
            const MAX: Self = $real::MAX;
            const SQRT_MAX: Self = $real::from_bits($sqrt_max);
            const NAN: Self = $real::NAN;
            const MIN_GAIN: f64 = power_of_two($min_gain);
            const RELATIVE_FLOOR: f64 = power_of_two($relative);
            const ABSOLUTE_FLOOR: f64 = power_of_two($absolute);
            const NAME: &'static str = stringify!($real);

            #[allow(clippy::cast_possible_truncation)] // rounding is what this is for
            fn from_f64(value: f64) -> Self {
                value as $real
            }
            fn to_f64(self) -> f64 {
                self.into()
            }
            fn to_word(self) -> u64 {
                self.to_bits().into()
            }
            #[allow(clippy::cast_possible_truncation)] // the low end of the word, as documented
            fn from_word(word: u64) -> Self {
                $real::from_bits(word as $bits)
            }
        }

        impl Ops for $real {
            const COUNT_BITS: u32 = $count_bits;
            const COUNT_BASE: Self = (1_u64 << $count_bits) as $real;
            const AGE_BITS: u32 = $bits::BITS - 12;

            type Lanes<S: Simd> = S::$lanes;
            type Masks<S: Simd> = S::$masks;
            type Words<S: Simd> = S::$words;

            #[inline(always)]
            fn lanes<S: Simd>() -> usize {
                S::$lane_count
            }
            #[inline(always)]
            fn split<S: Simd>(slice: &[Self]) -> (&[Self::Lanes<S>], &[Self]) {
                S::$as_simd(slice)
            }
            #[inline(always)]
            fn split_mut<S: Simd>(slice: &mut [Self]) -> (&mut [Self::Lanes<S>], &mut [Self]) {
                S::$as_mut_simd(slice)
            }
            #[inline(always)]
            fn partial_load<S: Simd>(simd: S, slice: &[Self]) -> Self::Lanes<S> {
                simd.$partial_load(slice)
            }
            #[inline(always)]
            fn partial_store<S: Simd>(simd: S, slice: &mut [Self], value: Self::Lanes<S>) {
                simd.$partial_store(slice, value);
            }
            #[inline(always)]
            fn splat<S: Simd>(simd: S, value: Self) -> Self::Lanes<S> {
                simd.$splat(value)
            }
            #[inline(always)]
            #[allow(clippy::cast_possible_truncation)] // words of f32 carry 32 bits
            fn splat_word<S: Simd>(simd: S, value: u64) -> Self::Words<S> {
                simd.$splat_word(value as $bits)
            }
            forward! { $($table)* }
        }
    };
}

real!(f32, u32, 0x5f7f_ffff, 23, -22, -20, -100,
    f32s, m32s, u32s, F32_LANES, as_simd_f32s, as_mut_simd_f32s,
    partial_load_f32s, partial_store_f32s, splat_f32s, splat_u32s, {
    add(a: Lanes, b: Lanes) -> Lanes = add_f32s;
    sub(a: Lanes, b: Lanes) -> Lanes = sub_f32s;
    mul(a: Lanes, b: Lanes) -> Lanes = mul_f32s;
    div(a: Lanes, b: Lanes) -> Lanes = div_f32s;
    sqrt(a: Lanes) -> Lanes = sqrt_f32s;
    abs(a: Lanes) -> Lanes = abs_f32s;
    min(a: Lanes, b: Lanes) -> Lanes = min_f32s;
    max(a: Lanes, b: Lanes) -> Lanes = max_f32s;
    less(a: Lanes, b: Lanes) -> Masks = less_than_f32s;
    less_or_equal(a: Lanes, b: Lanes) -> Masks = less_than_or_equal_f32s;
    equal(a: Lanes, b: Lanes) -> Masks = equal_f32s;
    select(m: Masks, a: Lanes, b: Lanes) -> Lanes = select_f32s;
    mask_and(a: Masks, b: Masks) -> Masks = and_m32s;
    mask_or(a: Masks, b: Masks) -> Masks = or_m32s;
    mask_not(a: Masks) -> Masks = not_m32s;
    word_from(a: Lanes) -> Words = transmute_u32s_f32s;
    word_into(a: Words) -> Lanes = transmute_f32s_u32s;
    word_and(a: Words, b: Words) -> Words = and_u32s;
    word_or(a: Words, b: Words) -> Words = or_u32s;
    word_add(a: Words, b: Words) -> Words = add_u32s;
    word_sub(a: Words, b: Words) -> Words = sub_u32s;
    word_eq(a: Words, b: Words) -> Masks = equal_u32s;
    word_select(m: Masks, a: Words, b: Words) -> Words = select_u32s;
});

real!(f64, u64, 0x5fef_ffff_ffff_ffff, 52, -50, -40, -960,
    f64s, m64s, u64s, F64_LANES, as_simd_f64s, as_mut_simd_f64s,
    partial_load_f64s, partial_store_f64s, splat_f64s, splat_u64s, {
    add(a: Lanes, b: Lanes) -> Lanes = add_f64s;
    sub(a: Lanes, b: Lanes) -> Lanes = sub_f64s;
    mul(a: Lanes, b: Lanes) -> Lanes = mul_f64s;
    div(a: Lanes, b: Lanes) -> Lanes = div_f64s;
    sqrt(a: Lanes) -> Lanes = sqrt_f64s;
    abs(a: Lanes) -> Lanes = abs_f64s;
    min(a: Lanes, b: Lanes) -> Lanes = min_f64s;
    max(a: Lanes, b: Lanes) -> Lanes = max_f64s;
    less(a: Lanes, b: Lanes) -> Masks = less_than_f64s;
    less_or_equal(a: Lanes, b: Lanes) -> Masks = less_than_or_equal_f64s;
    equal(a: Lanes, b: Lanes) -> Masks = equal_f64s;
    select(m: Masks, a: Lanes, b: Lanes) -> Lanes = select_f64s;
    mask_and(a: Masks, b: Masks) -> Masks = and_m64s;
    mask_or(a: Masks, b: Masks) -> Masks = or_m64s;
    mask_not(a: Masks) -> Masks = not_m64s;
    word_from(a: Lanes) -> Words = transmute_u64s_f64s;
    word_into(a: Words) -> Lanes = transmute_f64s_u64s;
    word_and(a: Words, b: Words) -> Words = and_u64s;
    word_or(a: Words, b: Words) -> Words = or_u64s;
    word_add(a: Words, b: Words) -> Words = add_u64s;
    word_sub(a: Words, b: Words) -> Words = sub_u64s;
    word_eq(a: Words, b: Words) -> Masks = equal_u64s;
    word_select(m: Masks, a: Words, b: Words) -> Words = select_u64s;
});

/// A vector of numbers, one per lane.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct Lane<T: Real, S: Simd>(pub(crate) S, pub(crate) T::Lanes<S>);

/// A vector of yes or no, one per lane.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct Mask<T: Real, S: Simd>(S, T::Masks<S>);

/// A vector of the bits of numbers, one per lane, for counters that live in a state column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<T: Real, S: Simd>(pub(crate) S, T::Words<S>);

/// The most channels of a vector.
pub(crate) const MOST_LANES: usize = 16;

impl<T: Real, S: Simd> Lane<T, S> {
    #[inline(always)]
    pub(crate) fn splat(simd: S, value: T) -> Self {
        Self(simd, T::splat(simd, value))
    }
    /// The numbers behind the last whole vector, of which there is one at least, and the first of them again in the lanes that
    /// are left. So these lanes go the way of a channel that exists: zeros would be a channel that begins, whose long step
    /// all others would have to take.
    #[inline(always)]
    pub(crate) fn tail(simd: S, numbers: &[T]) -> Self {
        let ones = [T::from_f64(1.0); MOST_LANES];
        let there = Self(simd, T::partial_load(simd, &ones[..numbers.len().min(MOST_LANES)]));
        let there = there.eq(Self::splat(simd, ones[0]));
        let first = numbers.first().copied().unwrap_or_default();
        there.select(Self(simd, T::partial_load(simd, numbers)), Self::splat(simd, first))
    }
    /// The first numbers of an array, as many as there are lanes.
    #[inline(always)]
    pub(crate) fn read(simd: S, numbers: &[T; MOST_LANES]) -> Self {
        Self(simd, T::split::<S>(numbers).0[0])
    }
    /// Writes the numbers to the beginning of an array.
    #[inline(always)]
    pub(crate) fn write(self, numbers: &mut [T; MOST_LANES]) {
        T::split_mut::<S>(numbers).0[0] = self.1;
    }
    #[inline(always)]
    pub(crate) fn abs(self) -> Self {
        Self(self.0, T::abs(self.0, self.1))
    }
    /// The square root, correctly rounded; NaN below zero.
    #[inline(always)]
    pub(crate) fn sqrt(self) -> Self {
        Self(self.0, T::sqrt(self.0, self.1))
    }
    /// The number, clamped to plus and minus `bound`. A NaN becomes anything; the caller throws that lane away.
    #[inline(always)]
    pub(crate) fn clamp(self, bound: T) -> Self {
        let bound = Self::splat(self.0, bound);
        let below = Self::splat(self.0, T::default()) - bound;
        self.max_of_ordinary(below).min_of_ordinary(bound)
    }
    /// The number, moved part of the way to `other`: `self + alpha (other - self)`, and exactly `other` at `alpha` = 1.
    #[inline(always)]
    pub(crate) fn toward(self, other: Self, alpha: T) -> Self {
        if alpha == T::from_f64(1.0) {
            return other;
        }
        self + Self::splat(self.0, alpha) * (other - self)
    }
    /// The smaller of two numbers of which neither is NaN (unless the lane's result is thrown away) and which are not
    /// zeros of different sign: for others, `Scalar`, x86 and NEON return three different results.
    #[inline(always)]
    pub(crate) fn min_of_ordinary(self, other: Self) -> Self {
        Self(self.0, T::min(self.0, self.1, other.1))
    }
    /// The larger of two numbers, under the conditions of [`Self::min_of_ordinary`].
    #[inline(always)]
    pub(crate) fn max_of_ordinary(self, other: Self) -> Self {
        Self(self.0, T::max(self.0, self.1, other.1))
    }
    /// Whether `self` is less than `other`; false when either is NaN.
    #[inline(always)]
    pub(crate) fn lt(self, other: Self) -> Mask<T, S> {
        Mask(self.0, T::less(self.0, self.1, other.1))
    }
    /// Whether `self` is less than or equal to `other`; false when either is NaN.
    #[inline(always)]
    pub(crate) fn le(self, other: Self) -> Mask<T, S> {
        Mask(self.0, T::less_or_equal(self.0, self.1, other.1))
    }
    /// Whether two numbers are equal; false when either is NaN.
    #[inline(always)]
    pub(crate) fn eq(self, other: Self) -> Mask<T, S> {
        Mask(self.0, T::equal(self.0, self.1, other.1))
    }
    /// Whether the number is not NaN: a sample that is not missing.
    #[inline(always)]
    pub(crate) fn is_number(self) -> Mask<T, S> {
        Mask(self.0, T::equal(self.0, self.1, self.1))
    }
    /// The number of the size of `self` and the sign of `sign`.
    #[inline(always)]
    pub(crate) fn with_sign_of(self, sign: Self) -> Self {
        let bit = Self::splat(self.0, T::from_f64(-0.0)).word();
        (self.abs().word() | (sign.word() & bit)).lane()
    }
    #[inline(always)]
    pub(crate) fn word(self) -> Word<T, S> {
        Word(self.0, T::word_from(self.0, self.1))
    }
    /// The nearest whole number, the even one of two, of a number from 0 to below `2^COUNT_BITS`.
    #[inline(always)]
    pub(crate) fn nearest(self) -> Self {
        let base = Self::splat(self.0, T::COUNT_BASE);
        (self + base) - base
    }
    /// The largest whole number that is not above a number from 0 to below `2^COUNT_BITS`.
    #[inline(always)]
    pub(crate) fn floor(self) -> Self {
        let nearest = self.nearest();
        self.lt(nearest).select(nearest - Self::splat(self.0, T::from_f64(1.0)), nearest)
    }
    /// A whole number from 0 to below `2^COUNT_BITS` as an integer in the bits of a word.
    #[inline(always)]
    pub(crate) fn into_count(self) -> Word<T, S> {
        let mantissa = Word::splat(self.0, (1 << T::COUNT_BITS) - 1);
        (self + Self::splat(self.0, T::COUNT_BASE)).word() & mantissa
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident, $type:ident, $op:ident) => {
        impl<T: Real, S: Simd> $trait for $type<T, S> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(self.0, T::$op(self.0, self.1, other.1))
            }
        }
    };
}
operator!(Add, add, Lane, add);
operator!(Sub, sub, Lane, sub);
operator!(Mul, mul, Lane, mul);
operator!(Div, div, Lane, div);
operator!(BitAnd, bitand, Mask, mask_and);
operator!(BitOr, bitor, Mask, mask_or);
operator!(BitAnd, bitand, Word, word_and);
operator!(BitOr, bitor, Word, word_or);
operator!(Add, add, Word, word_add);
operator!(Sub, sub, Word, word_sub);

impl<T: Real, S: Simd> Not for Mask<T, S> {
    type Output = Self;
    #[inline(always)]
    fn not(self) -> Self {
        Self(self.0, T::mask_not(self.0, self.1))
    }
}

impl<T: Real, S: Simd> Mask<T, S> {
    /// The mask that is set in no lane.
    #[inline(always)]
    pub(crate) fn never(simd: S) -> Self {
        let zero = Lane::splat(simd, T::default());
        zero.lt(zero)
    }
    /// The lanes of `yes` where the mask is set, of `no` elsewhere.
    #[inline(always)]
    pub(crate) fn select(self, yes: Lane<T, S>, no: Lane<T, S>) -> Lane<T, S> {
        Lane(self.0, T::select(self.0, self.1, yes.1, no.1))
    }
    /// The words of `yes` where the mask is set, of `no` elsewhere.
    #[inline(always)]
    pub(crate) fn select_word(self, yes: Word<T, S>, no: Word<T, S>) -> Word<T, S> {
        Word(self.0, T::word_select(self.0, self.1, yes.1, no.1))
    }
    /// Whether any lane is set.
    #[inline(always)]
    pub(crate) fn any(self) -> bool {
        match self.bits() {
            Some(bits) => bits != 0,
            None => bytes_of(&self.1).iter().fold(0, |all, byte| all | byte) != 0,
        }
    }
    /// Whether every lane is set.
    #[inline(always)]
    pub(crate) fn all(self) -> bool {
        if let Some(all) = all_of(self.0, &self.1) {
            return all;
        }
        match self.bits() {
            Some(bits) => bits == (1 << T::lanes::<S>()) - 1,
            None => !(!self).any(),
        }
    }
    /// Writes whether each lane is set, to as many places or fewer behind the last whole vector.
    #[inline(always)]
    pub(crate) fn write(self, places: &mut [bool]) {
        if let Some(bits) = self.bits() {
            for (places, byte) in places.chunks_mut(8).zip(bits.to_le_bytes()) {
                let spread = spread(byte);
                match <&mut [bool; 8]>::try_from(&mut *places) {
                    Ok(places) => *places = spread,
                    Err(_) => places.iter_mut().zip(spread).for_each(|(place, is_set)| *place = is_set),
                }
            }
        } else {
            let lanes = bytes_of(&self.1).chunks_exact(size_of::<T>());
            places.iter_mut().zip(lanes).for_each(|(place, lane)| *place = lane[0] != 0);
        }
    }
    /// The mask as one bit per lane, where the backend has it so or has an instruction for it. Elsewhere a mask is a
    /// word per lane, of which all bits are alike.
    #[inline(always)]
    fn bits(self) -> Option<u32> {
        if let Some(bits) = bits_of(self.0, &self.1) {
            return Some(bits);
        }
        match size_of::<T::Masks<S>>() {
            1 => Some(cast::<_, u8>(self.1).into()),
            2 => Some(cast::<_, u16>(self.1).into()),
            _ => None,
        }
    }
}

/// The bits of a byte, the lowest first, each as a byte of its own.
#[inline(always)]
#[allow(clippy::many_single_char_names)] // eight bytes in order
fn spread(bits: u8) -> [bool; 8] {
    let each = (u64::from(bits) * 0x0101_0101_0101_0101) & 0x8040_2010_0804_0201;
    let ones = ((each + 0x7f7f_7f7f_7f7f_7f7f) >> 7) & 0x0101_0101_0101_0101;
    // `map` would be left as a call.
    let [a, b, c, d, e, f, g, h] = ones.to_le_bytes();
    [a != 0, b != 0, c != 0, d != 0, e != 0, f != 0, g != 0, h != 0]
}

impl<T: Real, S: Simd> Word<T, S> {
    #[inline(always)]
    pub(crate) fn splat(simd: S, value: u64) -> Self {
        Self(simd, T::splat_word(simd, value))
    }
    #[inline(always)]
    pub(crate) fn eq(self, other: Self) -> Mask<T, S> {
        Mask(self.0, T::word_eq(self.0, self.1, other.1))
    }
    #[inline(always)]
    pub(crate) fn lane(self) -> Lane<T, S> {
        Lane(self.0, T::word_into(self.0, self.1))
    }
    /// The smaller of two words whose bits are those of ordinary numbers of no negative sign, which are in the order of
    /// the words.
    #[inline(always)]
    pub(crate) fn min_of_numbers(self, other: Self) -> Self {
        self.lane().min_of_ordinary(other.lane()).word()
    }
    /// The larger of two words under the condition of [`Self::min_of_numbers`].
    #[inline(always)]
    pub(crate) fn max_of_numbers(self, other: Self) -> Self {
        self.lane().max_of_ordinary(other.lane()).word()
    }
    /// A count below `2^COUNT_BITS` as a number, exactly: its bits are put into the mantissa of `2^COUNT_BITS`, which
    /// is then subtracted.
    #[inline(always)]
    pub(crate) fn count(self) -> Lane<T, S> {
        let base = Lane::splat(self.0, T::COUNT_BASE);
        (self | base.word()).lane() - base
    }
}
