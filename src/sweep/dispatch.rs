//! The instruction sets, and the one place where one is chosen.
//!
//! A kernel is compiled once for each set that the target architecture may have, and picked at run time by a token that
//! only exists where the machine has the set. Below AVX2 there is only `Scalar`: arithmetic on small arrays, of
//! which the compiler makes vectors of the target's baseline (SSE2 on x86-64).

use crate::error::BackendError;
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
    /// Every backend that this build knows, fast ones last.
    pub const ALL: &'static [Backend] = &[Backend::Scalar, Backend::Neon, Backend::Avx2, Backend::Avx512];

    /// The backends that this machine has, the fastest last. [`Backend::Scalar`] is always among them.
    ///
    /// ```
    /// use evenkeel::Backend;
    /// assert!(Backend::available().any(|backend| backend == Backend::Scalar));
    /// assert_eq!(Backend::available().last(), Some(Backend::best()));
    /// ```
    pub fn available() -> impl Iterator<Item = Backend> {
        Self::ALL.iter().copied().filter(|&backend| Token::new(backend).is_ok())
    }

    /// The fastest backend that this machine has, which is what everything uses unless told otherwise.
    #[must_use]
    pub fn best() -> Self {
        Self::available().last().unwrap_or(Backend::Scalar)
    }
}

/// Proof that the machine has a backend.
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
