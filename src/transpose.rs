//! Squares of numbers transposed in registers: as many vectors as a vector has lanes, of which rows become columns.
//!
//! Nothing is computed here, so nothing can differ between instruction sets. The compiler makes scalar loads and stores
//! of the portable loop, one for each number, which costs as much as the update of a channel.

use crate::lane::{MOST_LANES, Real};
#[cfg(target_arch = "x86_64")]
use core::any::Any;
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::{__m256, __m256d, __m512, __m512d};
use pulp::Simd;
#[cfg(target_arch = "x86_64")]
use pulp::{
    bytemuck::cast,
    x86::{V3, V4},
};

/// Replaces the vectors at these places by what a function makes of them. Spelt out, because the compiler keeps what goes
/// through a loop in memory.
#[cfg(target_arch = "x86_64")]
macro_rules! each {
    ($square:ident, $vector:ty, [$($at:literal)*], $rows:ident => $columns:expr) => {
        let $rows = [$(cast::<_, $vector>($square[$at])),*];
        let columns = $columns;
        $($square[$at] = cast(columns[$at]);)*
    };
}

/// Swaps the blocks beside the diagonal of rows that lie so far apart.
#[cfg(target_arch = "x86_64")]
macro_rules! swap {
    ($avx:ident, $permute:ident, $indices:path, $rows:ident, $distance:literal, [$($at:literal)*]) => {
        let (first, second) = (cast(const { $indices(of_first($distance)) }), cast(const { $indices(of_second($distance)) }));
        $(
            let (a, b) = ($rows[$at], $rows[$at + $distance]);
            $rows[$at] = $avx.$permute(a, first, b);
            $rows[$at + $distance] = $avx.$permute(a, second, b);
        )*
    };
}

/// Whether this set has shuffles for [`transpose`].
#[inline(always)]
pub(crate) fn is_shuffling<S: Simd>(simd: S) -> bool {
    #[cfg(target_arch = "x86_64")]
    return (&simd as &dyn Any).is::<V4>() || (&simd as &dyn Any).is::<V3>();
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = simd;
        false
    }
}

/// Transposes the first vectors, as many as there are lanes, where the set [has shuffles](is_shuffling).
#[inline(always)]
pub(crate) fn transpose<T: Real, S: Simd>(simd: S, square: &mut [T::Lanes<S>; MOST_LANES]) {
    #[cfg(target_arch = "x86_64")]
    {
        let is_double = size_of::<T>() == 8;
        if let Some(&simd) = (&simd as &dyn Any).downcast_ref::<V4>() {
            if is_double {
                each!(square, __m512d, [0 1 2 3 4 5 6 7], rows => transpose_8_doubles(simd, rows));
            } else {
                each!(square, __m512, [0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15], rows => transpose_16(simd, rows));
            }
        } else if let Some(&simd) = (&simd as &dyn Any).downcast_ref::<V3>() {
            if is_double {
                each!(square, __m256d, [0 1 2 3], rows => transpose_4_doubles(simd, rows));
            } else {
                each!(square, __m256, [0 1 2 3 4 5 6 7], rows => transpose_8(simd, rows));
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (simd, square);
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn transpose_8_doubles(simd: V4, mut rows: [__m512d; 8]) -> [__m512d; 8] {
    let avx = simd.avx512f;
    swap!(avx, _mm512_permutex2var_pd, wide, rows, 1, [0 2 4 6]);
    swap!(avx, _mm512_permutex2var_pd, wide, rows, 2, [0 1 4 5]);
    swap!(avx, _mm512_permutex2var_pd, wide, rows, 4, [0 1 2 3]);
    rows
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn transpose_16(simd: V4, mut rows: [__m512; 16]) -> [__m512; 16] {
    let avx = simd.avx512f;
    swap!(avx, _mm512_permutex2var_ps, narrow, rows, 1, [0 2 4 6 8 10 12 14]);
    swap!(avx, _mm512_permutex2var_ps, narrow, rows, 2, [0 1 4 5 8 9 12 13]);
    swap!(avx, _mm512_permutex2var_ps, narrow, rows, 4, [0 1 2 3 8 9 10 11]);
    swap!(avx, _mm512_permutex2var_ps, narrow, rows, 8, [0 1 2 3 4 5 6 7]);
    rows
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn transpose_4_doubles(simd: V3, [a, b, c, d]: [__m256d; 4]) -> [__m256d; 4] {
    let avx = simd.avx;
    let (ab, ba) = (avx._mm256_unpacklo_pd(a, b), avx._mm256_unpackhi_pd(a, b));
    let (cd, dc) = (avx._mm256_unpacklo_pd(c, d), avx._mm256_unpackhi_pd(c, d));
    [
        avx._mm256_permute2f128_pd::<0x20>(ab, cd),
        avx._mm256_permute2f128_pd::<0x20>(ba, dc),
        avx._mm256_permute2f128_pd::<0x31>(ab, cd),
        avx._mm256_permute2f128_pd::<0x31>(ba, dc),
    ]
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(clippy::many_single_char_names)] // eight rows in order
fn transpose_8(simd: V3, [a, b, c, d, e, f, g, h]: [__m256; 8]) -> [__m256; 8] {
    let avx = simd.avx;
    let ([a, b, c, d], [e, f, g, h]) = (transpose_halves(simd, [a, b, c, d]), transpose_halves(simd, [e, f, g, h]));
    [
        avx._mm256_permute2f128_ps::<0x20>(a, e),
        avx._mm256_permute2f128_ps::<0x20>(b, f),
        avx._mm256_permute2f128_ps::<0x20>(c, g),
        avx._mm256_permute2f128_ps::<0x20>(d, h),
        avx._mm256_permute2f128_ps::<0x31>(a, e),
        avx._mm256_permute2f128_ps::<0x31>(b, f),
        avx._mm256_permute2f128_ps::<0x31>(c, g),
        avx._mm256_permute2f128_ps::<0x31>(d, h),
    ]
}

/// Transposes both halves of four rows, each by itself.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn transpose_halves(simd: V3, [a, b, c, d]: [__m256; 4]) -> [__m256; 4] {
    let avx = simd.avx;
    let (ab, ba) = (avx._mm256_unpacklo_ps(a, b), avx._mm256_unpackhi_ps(a, b));
    let (cd, dc) = (avx._mm256_unpacklo_ps(c, d), avx._mm256_unpackhi_ps(c, d));
    [
        avx._mm256_shuffle_ps::<0x44>(ab, cd),
        avx._mm256_shuffle_ps::<0xee>(ab, cd),
        avx._mm256_shuffle_ps::<0x44>(ba, dc),
        avx._mm256_shuffle_ps::<0xee>(ba, dc),
    ]
}

/// The lanes that the first of two rows `distance` apart takes, numbered through both of them: where the bit of the
/// distance is set in a lane, it is one of the second.
#[cfg(target_arch = "x86_64")]
const fn of_first<const N: usize>(distance: u64) -> [u64; N] {
    let (mut lanes, mut at, mut lane) = ([0; N], 0, 0);
    while at < N {
        lanes[at] = if lane & distance == 0 { lane } else { N as u64 + lane - distance };
        (at, lane) = (at + 1, lane + 1);
    }
    lanes
}

/// The lanes that the second of the two takes.
#[cfg(target_arch = "x86_64")]
const fn of_second<const N: usize>(distance: u64) -> [u64; N] {
    let (mut lanes, mut at, mut lane) = ([0; N], 0, 0);
    while at < N {
        lanes[at] = if lane & distance == 0 { lane + distance } else { N as u64 + lane };
        (at, lane) = (at + 1, lane + 1);
    }
    lanes
}

/// The numbers of eight lanes.
#[cfg(target_arch = "x86_64")]
const fn wide(lanes: [u64; 8]) -> [u64; 8] {
    lanes
}

/// The numbers of sixteen lanes.
#[cfg(target_arch = "x86_64")]
#[allow(clippy::cast_possible_truncation)] // below 32
const fn narrow(lanes: [u64; 16]) -> [u32; 16] {
    let (mut words, mut at) = ([0; 16], 0);
    while at < 16 {
        words[at] = lanes[at] as u32;
        at += 1;
    }
    words
}
