//! The instruction sets: the one place where one is chosen. Beside this file only `transpose.rs` names them.
//!
//! A kernel is compiled once for each set that the target architecture may have, and picked at run time by a token that
//! only exists where the machine has the set. Below AVX2 there is only `Scalar`: arithmetic on small arrays, of
//! which the compiler makes vectors of the target's baseline (SSE2 on x86-64).

use crate::error::BackendError;
#[cfg(target_arch = "x86_64")]
use core::any::Any;
use pulp::{Scalar128b, Simd, WithSimd};

/// An instruction set that kernels are compiled for. Results are the same bits on all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Backend {
    /// Four `f32` or two `f64` at a time, in the baseline instructions of the target. Always there.
    Scalar,
    /// 128-bit vectors on `AArch64`.
    Neon,
    /// 256-bit vectors on x86-64 (level v3: AVX2).
    Avx2,
    /// 512-bit vectors on x86-64 (level v4: AVX-512).
    Avx512,
}

impl Backend {
    /// Every backend that there is on any architecture, the fastest last.
    pub const ALL: &'static [Backend] = &[Backend::Scalar, Backend::Neon, Backend::Avx2, Backend::Avx512];

    /// The backends that this machine has, the fastest last; [`Backend::Scalar`] is always among them.
    ///
    /// ```
    /// use evenkeel::Backend;
    /// assert!(Backend::available().any(|backend| backend == Backend::Scalar));
    /// assert_eq!(Backend::available().last(), Some(Backend::best()));
    /// ```
    pub fn available() -> impl Iterator<Item = Backend> {
        Self::ALL.iter().copied().filter(|&backend| Token::new(backend).is_ok())
    }

    /// The fastest backend that this machine has, which everything uses by default.
    #[must_use]
    pub fn best() -> Self {
        Self::available().last().unwrap_or(Backend::Scalar)
    }
}

/// A proof that the machine has a backend.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Token {
    Scalar,
    #[cfg(target_arch = "aarch64")]
    Neon(pulp::aarch64::Neon),
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    #[cfg(target_arch = "x86_64")]
    Avx512(pulp::x86::V4),
}

impl Token {
    pub(crate) fn new(backend: Backend) -> Result<Self, BackendError> {
        let token = match backend {
            Backend::Scalar => Some(Self::Scalar),
            #[cfg(target_arch = "aarch64")]
            Backend::Neon => pulp::aarch64::Neon::try_new().map(Self::Neon),
            #[cfg(target_arch = "x86_64")]
            Backend::Avx2 => pulp::x86::V3::try_new().map(Self::Avx2),
            #[cfg(target_arch = "x86_64")]
            Backend::Avx512 => pulp::x86::V4::try_new().map(Self::Avx512),
            #[allow(unreachable_patterns)] // which patterns are left depends on the architecture
            _ => None,
        };
        token.ok_or(BackendError { backend })
    }

    pub(crate) fn best() -> Self {
        Self::new(Backend::best()).unwrap_or(Self::Scalar)
    }

    pub(crate) fn backend(self) -> Backend {
        match self {
            Self::Scalar => Backend::Scalar,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => Backend::Neon,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => Backend::Avx2,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => Backend::Avx512,
        }
    }

    /// Runs the kernel with this instruction set.
    #[inline]
    pub(crate) fn run<K: WithSimd>(self, kernel: K) -> K::Output {
        match self {
            Self::Scalar => Simd::vectorize(Scalar128b, kernel),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(simd) => Simd::vectorize(simd, kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => Simd::vectorize(simd, kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(simd) => Simd::vectorize(simd, kernel),
        }
    }
}

/// Whether all lanes of a mask are set, by an instruction that the compiler does not find; `None` where the set has
/// none.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn all_of<S: Simd, M: 'static>(simd: S, mask: &M) -> Option<bool> {
    let simd = (&simd as &dyn Any).downcast_ref::<pulp::x86::V3>()?;
    let mask = mask as &dyn Any;
    if let Some(&mask) = mask.downcast_ref::<pulp::m32x8>() {
        let ones = simd.avx._mm256_set1_ps(f32::from_bits(u32::MAX));
        return Some(simd.avx._mm256_testc_ps(pulp::cast(mask), ones) != 0);
    }
    let &mask = mask.downcast_ref::<pulp::m64x4>()?;
    let ones = simd.avx._mm256_set1_pd(f64::from_bits(u64::MAX));
    Some(simd.avx._mm256_testc_pd(pulp::cast(mask), ones) != 0)
}

/// A mask as one bit per lane, by an instruction that the compiler does not always find in the portable loop; `None`
/// where the set has none. The casts are of a type to itself and vanish.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn bits_of<S: Simd, M: 'static>(simd: S, mask: &M) -> Option<u32> {
    let simd = (&simd as &dyn Any).downcast_ref::<pulp::x86::V3>()?;
    let mask = mask as &dyn Any;
    let bits = if let Some(&mask) = mask.downcast_ref::<pulp::m32x8>() {
        simd.avx._mm256_movemask_ps(pulp::cast(mask))
    } else if let Some(&mask) = mask.downcast_ref::<pulp::m64x4>() {
        simd.avx._mm256_movemask_pd(pulp::cast(mask))
    } else {
        return None;
    };
    Some(bits.cast_unsigned())
}

/// Always `None`: no set of this architecture has an instruction of its own for [`all_of`].
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(crate) fn all_of<S: Simd, M: 'static>(_: S, _: &M) -> Option<bool> {
    None
}

/// Always `None`: no set of this architecture has an instruction of its own for [`bits_of`].
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(crate) fn bits_of<S: Simd, M: 'static>(_: S, _: &M) -> Option<u32> {
    None
}
