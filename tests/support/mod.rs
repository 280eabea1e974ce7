//! The parts that test files share: every backend that must be there, random numbers that are the same everywhere, and
//! streams that no signal should be.

// Every test file is a crate of its own and uses a part of this.
#![allow(dead_code, unused_macros, unused_imports)]

pub(crate) mod checksums;
pub(crate) mod random;
pub(crate) mod streams;

use evenkeel::Backend;

/// Runs a check on every backend that this machine must have. A backend that is missing fails the test: a promise that
/// was skipped was not kept.
///
/// `EVENKEEL_EXPECT_BACKENDS`, such as `Scalar,Avx2`, says what must be there instead of what the processor reports;
/// for emulated processors.
pub(crate) fn every_backend(mut check: impl FnMut(Backend)) {
    let available: Vec<Backend> = Backend::available().collect();
    assert_eq!(available, expected_backends(), "the backends found are not the backends that must be there");
    for backend in available {
        let named = NamedOnPanic(backend);
        check(backend);
        drop(named);
    }
}

/// The backends that must be there, by the processor or by whoever runs the tests, the slowest first.
pub(crate) fn expected_backends() -> Vec<Backend> {
    if let Ok(names) = std::env::var("EVENKEEL_EXPECT_BACKENDS") {
        let named = |name: &str| {
            let found = Backend::ALL.iter().find(|backend| format!("{backend:?}") == name.trim());
            *found.unwrap_or_else(|| panic!("EVENKEEL_EXPECT_BACKENDS names an unknown backend: {name:?}"))
        };
        return names.split(',').map(named).collect();
    }
    detected_backends()
}

#[cfg(target_arch = "x86_64")]
fn detected_backends() -> Vec<Backend> {
    macro_rules! has {
        ($($feature:tt)*) => { true $(&& is_x86_feature_detected!($feature))* };
    }
    let v3 = has!("avx" "avx2" "bmi1" "bmi2" "fma" "lzcnt" "popcnt" "sse3" "ssse3" "sse4.1" "sse4.2");
    let v4 = v3 && has!("avx512f" "avx512bw" "avx512cd" "avx512dq" "avx512vl");
    let mut expected = vec![Backend::Scalar];
    expected.extend(v3.then_some(Backend::Avx2));
    expected.extend(v4.then_some(Backend::Avx512));
    expected
}

/// NEON is part of every AArch64 processor that Rust's standard library runs on.
#[cfg(target_arch = "aarch64")]
fn detected_backends() -> Vec<Backend> {
    vec![Backend::Scalar, Backend::Neon]
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn detected_backends() -> Vec<Backend> {
    vec![Backend::Scalar]
}

/// Says which backend it was when a check fails.
struct NamedOnPanic(Backend);

impl Drop for NamedOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed on the backend {:?}", self.0);
        }
    }
}

/// Stamps generic checks as tests for `f32` and `f64`.
macro_rules! both_types {
    ($($(#[$attribute:meta])* $check:ident),* $(,)?) => {
        mod f32 {
            $(#[test] $(#[$attribute])* fn $check() { super::$check::<f32>(); })*
        }
        mod f64 {
            $(#[test] $(#[$attribute])* fn $check() { super::$check::<f64>(); })*
        }
    };
}
pub(crate) use both_types;

/// Stamps generic checks as tests of both rules that judge their samples, for `f32` and `f64`.
macro_rules! both_rules {
    ($($(#[$attribute:meta])* $check:ident),* $(,)?) => {
        mod robust_mean {
            mod f32 {
                $(#[test] $(#[$attribute])* fn $check() { super::super::$check::<f32, crate::oracle::Spec<f32>>(); })*
            }
            mod f64 {
                $(#[test] $(#[$attribute])* fn $check() { super::super::$check::<f64, crate::oracle::Spec<f64>>(); })*
            }
        }
        mod cleaned_ema {
            mod f32 {
                $(#[test] $(#[$attribute])* fn $check() { super::super::$check::<f32, crate::oracle::cleaned::Spec<f32>>(); })*
            }
            mod f64 {
                $(#[test] $(#[$attribute])* fn $check() { super::super::$check::<f64, crate::oracle::cleaned::Spec<f64>>(); })*
            }
        }
    };
}
pub(crate) use both_rules;
