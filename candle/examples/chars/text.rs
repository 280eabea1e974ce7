//! The text: Jules Verne's *Around the World in Eighty Days*, in the English of George Makepeace Towle (1873), which is in the
//! public domain. `eighty.txt` is the novel from the first chapter on, as the crate esaxx-rs 0.1.10 ships it for its tests.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

/// The novel as numbers, one for each character.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    /// How many different characters there are.
    pub(crate) alphabet: usize,
    /// The first 80% of the novel.
    pub(crate) train: Vec<u32>,
    /// 10%, by which settings are chosen.
    pub(crate) validation: Vec<u32>,
    /// The last 10%, which nothing but the result depends on.
    pub(crate) test: Vec<u32>,
}

impl Text {
    /// In small letters, and with one blank between words: the less of an alphabet there is, the sooner it is learnt.
    pub(crate) fn load() -> Result<Self> {
        let words: Vec<String> = include_str!("eighty.txt").split_whitespace().map(str::to_lowercase).collect();
        let novel = words.join(" ");
        let mut numbers: BTreeMap<char, u32> = novel.chars().map(|character| (character, 0)).collect();
        for (number, place) in (0..).zip(numbers.values_mut()) {
            *place = number;
        }
        let all: Vec<u32> = novel.chars().filter_map(|character| numbers.get(&character).copied()).collect();
        let (train, rest) = all.split_at_checked(all.len() * 8 / 10).context("there is no text")?;
        let (validation, test) = rest.split_at(rest.len() / 2);
        let [train, validation, test] = [train, validation, test].map(<[u32]>::to_vec);
        Ok(Self { alphabet: numbers.len(), train, validation, test })
    }
}
