//! The data: 1797 handwritten digits, of eight rows of eight pixels each.
//!
//! They are E. Alpaydin and C. Kaynak's *Optical Recognition of Handwritten Digits* (1998,
//! <https://doi.org/10.24432/C50P49>), the part that scikit-learn ships, under the licence CC BY 4.0. In `digits.txt` each
//! line is an image, a character from 0 to g for the 17 shades of each pixel, and behind a blank the digit that it shows.

use anyhow::{Context, Result, ensure};
use fastrand::Rng;

/// Pixels of an image.
pub(crate) const PIXELS: usize = 64;
/// Digits.
pub(crate) const CLASSES: u32 = 10;
/// What decides which image is in which part. It is the same for every run, so that all runs answer the same question.
const SPLIT_SEED: u64 = 1797;

/// Images and their labels.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    /// Pixels from 0 to 1, image after image.
    pub(crate) images: Vec<f32>,
    /// The digits, one for an image.
    pub(crate) labels: Vec<u32>,
}

/// All images.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    /// Half of the images.
    pub(crate) train: Part,
    /// A fifth, by which settings are chosen.
    pub(crate) validation: Part,
    /// The others, which nothing but the result depends on.
    pub(crate) test: Part,
}

impl Data {
    pub(crate) fn load() -> Result<Self> {
        let mut lines: Vec<&str> = include_str!("digits.txt").lines().collect();
        Rng::with_seed(SPLIT_SEED).shuffle(&mut lines);
        let (train, rest) = lines.split_at(lines.len() / 2);
        let (validation, test) = rest.split_at(lines.len() / 5);
        Ok(Self { train: Part::read(train)?, validation: Part::read(validation)?, test: Part::read(test)? })
    }
}

impl Part {
    fn read(lines: &[&str]) -> Result<Self> {
        let mut part = Self::default();
        for line in lines {
            let (image, label) = line.split_once(' ').context("a line without a digit")?;
            ensure!(image.len() == PIXELS, "an image of {} pixels", image.len());
            for pixel in image.chars() {
                let shade = pixel.to_digit(17).context("a shade that is none")?;
                part.images.push(f32::from(u8::try_from(shade)?) / 16.0);
            }
            part.labels.push(label.parse()?);
        }
        Ok(part)
    }

    /// The images and labels in these places.
    pub(crate) fn some(&self, places: &[usize]) -> Self {
        let images = places.iter().flat_map(|place| &self.images[place * PIXELS..][..PIXELS]).copied().collect();
        Self { images, labels: places.iter().map(|place| self.labels[*place]).collect() }
    }
}
