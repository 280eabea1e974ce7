//! Saving and loading: the state as safetensors.
//!
//! | entry | type | shape |
//! |---|---|---|
//! | `NAME.square`, `NAME.scale`, `NAME.norm`, `NAME.average`, `NAME.smoothed` | the tensor's | the tensor's |
//! | `NAME.steps` | U64 | 1: the updates of the tensor |
//! | `NAME.rate` | F64 | 2: the smoothed layer mean, and its gain at the last step |
//! | `steps` | U64 | 1: the steps of the optimiser |
//! | `bound` | F64 | 1: the last learning-rate bound that was not 0, of the first tensor |
//! | `NAME.bound` | F64 | 1: that of this tensor, where it is another |
//!
//! A tensor of several names is there once, under any of them.
//!
//! The metadata hold one word, `format`, which is [`FORMAT`]. The same state gives the same file.

use crate::config::ParamsRobustSgm;
use crate::error::Error;
use crate::optimiser::{Mean, Parameter, RobustSgm, State};
use candle_core::DType;
use evenkeel::{Layer, LearningRate, Real};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Write;
use std::path::Path;

/// The format of the files of this version, as their metadata name it.
const FORMAT: &str = "evenkeel-candle RobustSgm 1";

/// The state columns of the rule, in its order.
const COLUMNS: [&str; 5] = ["square", "scale", "norm", "average", "smoothed"];

/// A number as its bytes in a file, the lowest first.
trait Bytes: Real {
    const DTYPE: Dtype;
    fn write(self, to: &mut Vec<u8>);
    /// The number of the bytes, of which there are as many as it has.
    fn read(from: &[u8]) -> Self;
}

macro_rules! bytes {
    ($($float:ident $dtype:ident),*) => {
        $(impl Bytes for $float {
            const DTYPE: Dtype = Dtype::$dtype;
            fn write(self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.to_le_bytes());
            }
            fn read(from: &[u8]) -> Self {
                from.try_into().map_or($float::NAN, $float::from_le_bytes)
            }
        })*
    };
}
bytes!(f32 F32, f64 F64);

/// One entry of a file.
struct Entry {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl RobustSgm {
    /// Writes the state, but not the weights, to a file in the safetensors format. The file is there whole or not at
    /// all: it is written beside its place under another name, brought to the disk, and moved there.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let bound = self.parameters.first().map_or(ParamsRobustSgm::default().lr, |first| first.bound);
        let number = |name: &str, dtype, bytes: [u8; 8]| Entry {
            name: name.to_owned(),
            dtype,
            shape: vec![1],
            bytes: bytes.into(),
        };
        let mut entries = vec![
            number("steps", Dtype::U64, self.steps.to_le_bytes()),
            number("bound", Dtype::F64, bound.to_le_bytes()),
        ];
        for parameter in &self.parameters {
            match &parameter.state {
                State::F32(layer) => parameter.entries(layer, &mut entries),
                State::F64(layer) => parameter.entries(layer, &mut entries),
            }
            if parameter.bound.to_bits() != bound.to_bits() {
                entries.push(number(&format!("{}.bound", parameter.name), Dtype::F64, parameter.bound.to_le_bytes()));
            }
        }
        let format =
            |error: safetensors::SafeTensorError| Error::Format { path: path.to_owned(), what: error.to_string() };
        let mut views = Vec::with_capacity(entries.len());
        for entry in &entries {
            let view = TensorView::new(entry.dtype, entry.shape.clone(), &entry.bytes).map_err(format)?;
            views.push((entry.name.as_str(), view));
        }
        let about = [("format".to_owned(), FORMAT.to_owned())];
        let bytes = safetensors::serialize(views, Some(HashMap::from(about))).map_err(format)?;
        write_whole(path, &bytes).map_err(|source| Error::File { path: path.to_owned(), source })
    }

    /// Reads back what [`save`](Self::save) wrote, for the same tensors under the same names; of a tensor that has
    /// several, any will do. The weights are not in it: save and load them with [`candle_nn::VarMap`]. The parameters
    /// and the groups stay those of this optimiser.
    ///
    /// # Errors
    /// The file cannot be read, is damaged, or holds the state of other tensors. The optimiser is untouched.
    pub fn load(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        let file = File::open(path, &bytes)?;
        let names = self.parameters.iter().map(|parameter| file.name_of(parameter)).collect::<Result<Vec<_>, _>>()?;
        file.expect_only(&names)?;
        let mut found = Vec::with_capacity(self.parameters.len());
        for (parameter, name) in self.parameters.iter().zip(names) {
            found.push(file.parameter(parameter, name)?);
        }
        let standing: Vec<bool> = self.groups().iter().map(|params| params.lr == 0.0).collect();
        for (parameter, Found { columns, steps, mean, bound }) in self.parameters.iter_mut().zip(found) {
            let name = &parameter.name;
            let restored = match (&mut parameter.state, &columns) {
                (State::F32(layer), Columns::F32(columns)) => {
                    layer.restore(columns.each_ref().map(Vec::as_slice), steps)
                }
                (State::F64(layer), Columns::F64(columns)) => {
                    layer.restore(columns.each_ref().map(Vec::as_slice), steps)
                }
                _ => return Err(file.misfit(format!("tensor {name} has another type"))),
            };
            restored.map_err(|error| file.misfit(format!("tensor {name}: {error}")))?;
            parameter.mean = mean;
            if standing.get(parameter.group) == Some(&true) {
                (parameter.bound, self.stale) = (bound, true);
            }
        }
        self.steps = file.steps;
        Ok(())
    }
}

/// Replaces the file by one that holds these bytes, or leaves it as it was.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    // As any other file; those that only pass by are private otherwise.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

impl Parameter {
    fn entries<T: Bytes>(&self, layer: &Layer<LearningRate, T>, to: &mut Vec<Entry>) {
        let name = |what: &str| format!("{}.{what}", self.name);
        for (column, what) in layer.state().into_iter().zip(COLUMNS) {
            let mut bytes = Vec::with_capacity(size_of_val(column));
            for &number in column {
                number.write(&mut bytes);
            }
            to.push(Entry { name: name(what), dtype: T::DTYPE, shape: self.var.dims().to_vec(), bytes });
        }
        let steps = layer.steps().to_le_bytes().to_vec();
        to.push(Entry { name: name("steps"), dtype: Dtype::U64, shape: vec![1], bytes: steps });
        let rate = [self.mean.value, self.mean.gain].map(f64::to_le_bytes).concat();
        to.push(Entry { name: name("rate"), dtype: Dtype::F64, shape: vec![2], bytes: rate });
    }
}

/// The columns of one tensor as they were found in a file.
enum Columns {
    F32([Vec<f32>; 5]),
    F64([Vec<f64>; 5]),
}

/// The state of one tensor as it was found in a file.
struct Found {
    columns: Columns,
    steps: u64,
    mean: Mean,
    bound: f64,
}

/// A file whose format is right.
struct File<'a> {
    path: &'a Path,
    tensors: SafeTensors<'a>,
    steps: u64,
    bound: f64,
}

impl<'a> File<'a> {
    fn open(path: &'a Path, bytes: &'a [u8]) -> Result<Self, Error> {
        let wrong = |what: String| Error::Format { path: path.to_owned(), what };
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| wrong(error.to_string()))?;
        let about = metadata.metadata().as_ref();
        let told = |key: &str| about.and_then(|about| about.get(key)).map(String::as_str);
        match told("format") {
            Some(FORMAT) => {}
            Some(other) => return Err(wrong(format!("its format is {other:?}, not {FORMAT:?}"))),
            None => return Err(wrong("it does not say what it is".to_owned())),
        }
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| wrong(error.to_string()))?;
        let mut file = Self { path, tensors, steps: 0, bound: 0.0 };
        let steps = file.entry("steps", Dtype::U64, &[1])?;
        file.steps = u64::from_le_bytes(steps.try_into().unwrap_or_default());
        file.bound = file.bound("bound")?;
        Ok(file)
    }

    fn bound(&self, name: &str) -> Result<f64, Error> {
        let bound = f64::read(self.entry(name, Dtype::F64, &[1])?);
        if bound > 0.0 && bound.is_finite() {
            Ok(bound)
        } else {
            Err(self.damaged(format!("{name}, a learning-rate bound, is {bound}")))
        }
    }

    fn misfit(&self, what: String) -> Error {
        Error::Fit { path: self.path.to_owned(), what }
    }

    fn damaged(&self, what: String) -> Error {
        Error::Format { path: self.path.to_owned(), what }
    }

    fn has(&self, name: &str) -> bool {
        self.tensors.tensor(name).is_ok()
    }

    /// The name under which a tensor is in the file; its first name if it is not.
    fn name_of<'p>(&self, parameter: &'p Parameter) -> Result<&'p str, Error> {
        let mut there = parameter.names().filter(|name| self.has(&format!("{name}.{}", COLUMNS[0])));
        match (there.next(), there.next()) {
            (Some(one), Some(other)) => {
                Err(self.misfit(format!("it holds {one} and {other} each for itself, which are one tensor here")))
            }
            (name, _) => Ok(name.unwrap_or(&parameter.name)),
        }
    }

    /// No entry of any other tensor.
    fn expect_only(&self, names: &[&str]) -> Result<(), Error> {
        let names: HashSet<&str> = names.iter().copied().collect();
        for entry in self.tensors.names() {
            if entry == "steps" || entry == "bound" {
                continue;
            }
            let known = entry.rsplit_once('.').is_some_and(|(name, what)| {
                (COLUMNS.contains(&what) || ["steps", "rate", "bound"].contains(&what)) && names.contains(name)
            });
            if !known {
                return Err(self.misfit(format!("it holds {entry}, which no tensor here has")));
            }
        }
        Ok(())
    }

    /// One entry, of the type and shape that are wanted.
    fn entry(&self, name: &str, dtype: Dtype, shape: &[usize]) -> Result<&'a [u8], Error> {
        let found = self.tensors.tensor(name).map_err(|_| self.misfit(format!("it has no {name}")))?;
        if found.dtype() != dtype || found.shape() != shape {
            let (got, got_shape) = (found.dtype(), found.shape());
            return Err(self.misfit(format!("{name} is {got:?} {got_shape:?} there and {dtype:?} {shape:?} here")));
        }
        Ok(found.data())
    }

    /// The state of a tensor, which is there under this name.
    fn parameter(&self, parameter: &Parameter, name: &str) -> Result<Found, Error> {
        let shape = parameter.var.dims();
        let columns = if parameter.var.dtype() == DType::F32 {
            Columns::F32(self.columns(name, shape)?)
        } else {
            Columns::F64(self.columns(name, shape)?)
        };
        let steps = self.entry(&format!("{name}.steps"), Dtype::U64, &[1])?;
        let steps = u64::from_le_bytes(steps.try_into().unwrap_or_default());
        if steps > self.steps {
            return Err(self.damaged(format!("{name}.steps is {steps}, more than the {} of the optimiser", self.steps)));
        }
        let (value, gain) = self.entry(&format!("{name}.rate"), Dtype::F64, &[2])?.split_at(8);
        let mean = Mean { value: f64::read(value), gain: f64::read(gain) };
        let most = if parameter.var.dtype() == DType::F32 { f32::MAX.into() } else { f64::MAX };
        if !((0.0..=most).contains(&mean.value) && (0.0..=1.0).contains(&mean.gain)) {
            return Err(self.damaged(format!("{name}.rate is {} and {}", mean.value, mean.gain)));
        }
        let own = format!("{name}.bound");
        let bound = if self.has(&own) { self.bound(&own)? } else { self.bound };
        Ok(Found { columns, steps, mean, bound })
    }

    fn columns<T: Bytes>(&self, tensor: &str, shape: &[usize]) -> Result<[Vec<T>; 5], Error> {
        let mut columns: [Vec<T>; 5] = Default::default();
        for (index, (column, what)) in columns.iter_mut().zip(COLUMNS).enumerate() {
            let name = format!("{tensor}.{what}");
            let bytes = self.entry(&name, T::DTYPE, shape)?;
            column.extend(bytes.chunks_exact(size_of::<T>()).map(T::read));
            // The square of a weight that has seen no gradient is -1; the scale and the norm are averages of
            // magnitudes.
            let possible = |number: &T| {
                let number = number.to_f64();
                let unseen = index == 0 && number == -1.0;
                number.is_finite() && (index > 2 || number >= 0.0 || unseen)
            };
            if let Some(number) = column.iter().find(|number| !possible(number)) {
                return Err(self.damaged(format!("{name} holds {number:?}, which no state does")));
            }
        }
        Ok(columns)
    }
}
