//! The codecs: decoding in bounded steps, and bringing a whole body from one form into another.

use std::io::{self, Write as _};

use brotli::enc::StandardAlloc;
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState, CompressorWriter};
use bytes::Bytes;
use flate2::write::GzEncoder;
use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{DParameter, Decoder as ZstdDecoder, Operation as _};
use zstd::stream::write::Encoder as ZstdEncoder;

use super::{Coding, Form};

/// Levels at which one more per cent costs more than it saves: each body is coded once and sent often, but not for hours.
const GZIP_LEVEL: u32 = 6;
const BR_LEVEL: u32 = 5;
const ZSTD_LEVEL: i32 = 3;
/// Brotli's window, as power of two: what its decoders allow without further words (RFC 7932 §9.1 has up to 24).
const BR_WINDOW: u32 = 22;
/// zstd's largest window, as power of two: 8 MiB (RFC 9659).
const ZSTD_WINDOW: u32 = 23;
/// zlib's window, as power of two (RFC 1952 knows no other).
const GZIP_WINDOW: u8 = 15;
/// Decoded bytes that are held at once.
pub const PIECE: usize = 64 << 10;

/// Decodes one body, piece by piece; never holds more than what it is given room for, and its window.
pub struct Decoder {
    state: State,
    /// Whether what was read so far is whole.
    is_whole: bool,
}

enum State {
    Gzip(Decompress),
    Br(Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>),
    Zstd(ZstdDecoder<'static>),
    /// There is no decoder to be had.
    None,
}

/// What one step of decoding did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Bytes of the input that were taken.
    pub read: usize,
    /// Bytes of the output that were filled.
    pub written: usize,
}

/// How much may be read and made of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes that it may decode to.
    pub decoded: u64,
    /// Most bytes of the result.
    pub result: u64,
}

/// Why a body is not to be had in another form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Its bytes are not of its coding, or end short.
    #[error("the content is not what its Content-Encoding says")]
    Corrupt,
    /// It is larger than allowed.
    #[error("the content is larger than may be kept")]
    TooLarge,
}

impl From<io::Error> for CodecError {
    fn from(_: io::Error) -> Self {
        Self::Corrupt
    }
}

// === impl Decoder ===

impl Decoder {
    /// For a body of this coding.
    pub fn new(coding: Coding) -> Self {
        let state = match coding {
            Coding::Gzip => State::Gzip(Decompress::new_gzip(GZIP_WINDOW)),
            Coding::Br => {
                let alloc = StandardAlloc::default;
                // Strict: a stream that asks for a window beyond RFC 7932's would get up to a gigabyte.
                State::Br(Box::new(BrotliState::new_strict(alloc(), alloc(), alloc())))
            }
            Coding::Zstd => {
                let decoder = ZstdDecoder::new().and_then(|mut decoder| {
                    decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW))?;
                    Ok(decoder)
                });
                // It fails only where there is no memory for its context.
                decoder.map_or(State::None, State::Zstd)
            }
        };
        Self { state, is_whole: false }
    }

    /// Decodes from `input` into `output`, as far as both reach.
    pub fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, CodecError> {
        if self.is_whole && input.is_empty() {
            return Ok(Step { read: 0, written: 0 });
        }
        let step = match &mut self.state {
            State::Gzip(state) => {
                if self.is_whole {
                    // RFC 1952 §2.2: members follow one another.
                    state.reset(true);
                }
                let before = (state.total_in(), state.total_out());
                let status = state.decompress(input, output, FlushDecompress::None).map_err(|_| CodecError::Corrupt)?;
                self.is_whole = status == Status::StreamEnd;
                Step { read: moved(before.0, state.total_in()), written: moved(before.1, state.total_out()) }
            }
            State::Br(state) if !self.is_whole => {
                let (mut left, mut read, mut room, mut written, mut total) = (input.len(), 0, output.len(), 0, 0);
                let result = BrotliDecompressStream(
                    &mut left,
                    &mut read,
                    input,
                    &mut room,
                    &mut written,
                    output,
                    &mut total,
                    state,
                );
                match result {
                    BrotliResult::ResultFailure => return Err(CodecError::Corrupt),
                    BrotliResult::ResultSuccess => self.is_whole = true,
                    BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
                }
                Step { read, written }
            }
            // Nothing follows a stream of Brotli.
            State::Br(_) | State::None => return Err(CodecError::Corrupt),
            State::Zstd(state) => {
                let status = state.run_on_buffers(input, output)?;
                self.is_whole = status.remaining == 0;
                Step { read: status.bytes_read, written: status.bytes_written }
            }
        };
        // Room and input, and no step: more input would not help.
        if step == (Step { read: 0, written: 0 }) && !input.is_empty() && !output.is_empty() && !self.is_whole {
            return Err(CodecError::Corrupt);
        }
        Ok(step)
    }

    /// Whether the body may end here.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }
}

fn moved(before: u64, after: u64) -> usize {
    // At most the length of a slice.
    usize::try_from(after - before).unwrap_or(usize::MAX)
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("is_whole", &self.is_whole).finish_non_exhaustive()
    }
}

// === encoding ===

/// Collects what is written to it in a form.
enum Encoder {
    Identity(Vec<u8>),
    Gzip(GzEncoder<Vec<u8>>),
    Br(Box<CompressorWriter<Vec<u8>>>),
    Zstd(ZstdEncoder<'static, Vec<u8>>),
}

impl Encoder {
    fn new(form: Form) -> io::Result<Self> {
        Ok(match form {
            Form::Identity => Self::Identity(Vec::new()),
            Form::Coded(Coding::Gzip) => Self::Gzip(GzEncoder::new(Vec::new(), flate2::Compression::new(GZIP_LEVEL))),
            Form::Coded(Coding::Br) => {
                Self::Br(Box::new(CompressorWriter::new(Vec::new(), PIECE, BR_LEVEL, BR_WINDOW)))
            }
            Form::Coded(Coding::Zstd) => Self::Zstd(ZstdEncoder::new(Vec::new(), ZSTD_LEVEL)?),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Identity(made) => made.write_all(bytes),
            Self::Gzip(encoder) => encoder.write_all(bytes),
            Self::Br(encoder) => encoder.write_all(bytes),
            Self::Zstd(encoder) => encoder.write_all(bytes),
        }
    }

    fn len(&self) -> u64 {
        let made = match self {
            Self::Identity(made) => made,
            Self::Gzip(encoder) => encoder.get_ref(),
            Self::Br(encoder) => encoder.get_ref(),
            Self::Zstd(encoder) => encoder.get_ref(),
        };
        made.len() as u64
    }

    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Identity(made) => Ok(made),
            Self::Gzip(encoder) => encoder.finish(),
            // Writing to a vector does not fail.
            Self::Br(encoder) => Ok(encoder.into_inner()),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

/// A body in another form. Holds the result and one [`PIECE`] of what is between.
pub fn recode(chunks: &[Bytes], from: Form, to: Form, limits: Limits) -> Result<Bytes, CodecError> {
    let mut making = Making { encoder: Encoder::new(to)?, limits, decoded: 0 };
    match from {
        Form::Identity => {
            chunks.iter().flat_map(|chunk| chunk.chunks(PIECE)).try_for_each(|piece| making.add(piece))?;
        }
        Form::Coded(coding) => {
            let mut decoder = Decoder::new(coding);
            let mut piece = vec![0; PIECE];
            for chunk in chunks {
                let mut rest = &chunk[..];
                loop {
                    let step = decoder.step(rest, &mut piece)?;
                    rest = &rest[step.read..];
                    making.add(&piece[..step.written])?;
                    if rest.is_empty() && step.written < piece.len() {
                        break;
                    }
                }
            }
            if !decoder.is_whole() {
                return Err(CodecError::Corrupt);
            }
        }
    }
    making.finish()
}

struct Making {
    encoder: Encoder,
    limits: Limits,
    decoded: u64,
}

impl Making {
    fn add(&mut self, piece: &[u8]) -> Result<(), CodecError> {
        self.decoded += piece.len() as u64;
        self.encoder.write(piece)?;
        if self.decoded > self.limits.decoded { Err(CodecError::TooLarge) } else { self.check(self.encoder.len()) }
    }

    fn check(&self, made: u64) -> Result<(), CodecError> {
        if made > self.limits.result { Err(CodecError::TooLarge) } else { Ok(()) }
    }

    fn finish(mut self) -> Result<Bytes, CodecError> {
        let encoder = std::mem::replace(&mut self.encoder, Encoder::Identity(Vec::new()));
        let made = encoder.finish()?;
        self.check(made.len() as u64)?;
        // Boxed, so that no more memory is held than is accounted for.
        Ok(Bytes::from(made.into_boxed_slice()))
    }
}

#[cfg(test)]
mod tests;
