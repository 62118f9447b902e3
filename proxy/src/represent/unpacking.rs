//! A body that is decoded as it is sent: it is still arriving, or too large to be kept in its plain form.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::encoding::Coding;
use crate::encoding::codec::{CodecError, Decoder, PIECE};
use crate::fill::body::{BodyError, Reader};
use crate::store::StoredBody;

/// Bytes and a decoder; holds one piece at a time, however much a few bytes decode to.
#[derive(Debug)]
pub struct Unpacking {
    source: Source,
    decoder: Decoder,
    input: Bytes,
    /// Whether the decoder has more to tell without further input.
    has_more: bool,
}

#[derive(Debug)]
enum Source {
    Arriving(Reader),
    Stored(VecDeque<Bytes>),
}

/// Why a decoded body ends short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// What it is decoded from does.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// It is not of its coding.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

impl Unpacking {
    /// Of a response that is arriving.
    pub fn arriving(reader: Reader, coding: Coding) -> Self {
        Self::new(Source::Arriving(reader), coding)
    }

    /// Of a stored body.
    pub fn stored(body: &StoredBody, coding: Coding) -> Self {
        Self::new(Source::Stored(body.chunks().iter().cloned().collect()), coding)
    }

    fn new(source: Source, coding: Coding) -> Self {
        Self { source, decoder: Decoder::new(coding), input: Bytes::new(), has_more: false }
    }

    /// Whether [`Unpacking::next`] likely has something to tell without waiting.
    pub fn is_ready(&self) -> bool {
        self.has_more || !self.input.is_empty() || self.source.is_ready()
    }

    /// The next piece; `None` at the end of a complete body.
    pub async fn next(&mut self) -> Result<Option<Bytes>, UnpackError> {
        loop {
            if self.input.is_empty() && !self.has_more {
                match self.source.next().await? {
                    Some(chunk) => self.input = chunk,
                    None if self.decoder.is_whole() => return Ok(None),
                    None => return Err(CodecError::Corrupt.into()),
                }
            }
            let mut piece = vec![0; PIECE];
            let step = self.decoder.step(&self.input, &mut piece)?;
            let _ = self.input.split_to(step.read);
            self.has_more = step.written == piece.len();
            if step.written > 0 {
                piece.truncate(step.written);
                return Ok(Some(piece.into()));
            }
        }
    }
}

impl Source {
    fn is_ready(&self) -> bool {
        match self {
            Self::Arriving(reader) => reader.is_ready(),
            Self::Stored(_) => true,
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        match self {
            Self::Arriving(reader) => reader.next().await,
            Self::Stored(chunks) => Ok(chunks.pop_front()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::Form;
    use crate::encoding::codec::{Limits, recode};

    const AMPLE: Limits = Limits { decoded: 1 << 30, result: 1 << 30 };

    async fn unpacked(mut unpacking: Unpacking) -> Result<Vec<u8>, UnpackError> {
        let mut all = Vec::new();
        while let Some(piece) = unpacking.next().await? {
            assert!(!piece.is_empty() && piece.len() <= PIECE);
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn a_stored_body_is_decoded_in_pieces() {
        let plain = b"<li>product</li>".repeat(100_000);
        for coding in Coding::ALL {
            let coded = recode(&[Bytes::from(plain.clone())], Form::Identity, Form::Coded(coding), AMPLE).unwrap();
            for size in [1, 1000, coded.len()] {
                let body = StoredBody::new(coded.chunks(size).map(Bytes::copy_from_slice).collect());
                assert!(unpacked(Unpacking::stored(&body, coding)).await.unwrap() == plain, "{coding:?}");
            }
            let cut = StoredBody::new(vec![coded.slice(..coded.len() - 1)]);
            let cut = unpacked(Unpacking::stored(&cut, coding)).await;
            assert_eq!(cut, Err(UnpackError::Codec(CodecError::Corrupt)), "{coding:?}");
        }
    }
}
