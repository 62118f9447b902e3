//! Header fields that can be edited: those of the engine's answers, and of Pingora's messages.

use http::{HeaderMap, HeaderName, HeaderValue};
use pingora::http::{RequestHeader, ResponseHeader};

/// The fields of a message.
pub trait Fields {
    /// All of them.
    fn all(&self) -> &HeaderMap;
    /// Takes out all lines of a field.
    fn take_out(&mut self, name: &HeaderName);
    /// Sets a field, in place of what is there.
    fn set(&mut self, name: &HeaderName, value: HeaderValue);
    /// Adds a line.
    fn add(&mut self, name: &HeaderName, value: HeaderValue);
}

impl Fields for HeaderMap {
    fn all(&self) -> &HeaderMap {
        self
    }

    fn take_out(&mut self, name: &HeaderName) {
        self.remove(name);
    }

    fn set(&mut self, name: &HeaderName, value: HeaderValue) {
        self.insert(name, value);
    }

    fn add(&mut self, name: &HeaderName, value: HeaderValue) {
        self.append(name, value);
    }
}

/// Pingora keeps the spelling of names beside the map, so its messages are edited through it. A name and a value that are valid
/// make it fail never.
macro_rules! fields_of_pingora {
    ($($message:ty),*) => {$(
        impl Fields for $message {
            fn all(&self) -> &HeaderMap {
                &self.headers
            }

            fn take_out(&mut self, name: &HeaderName) {
                self.remove_header(name);
            }

            fn set(&mut self, name: &HeaderName, value: HeaderValue) {
                let _ = self.insert_header(name.clone(), value);
            }

            fn add(&mut self, name: &HeaderName, value: HeaderValue) {
                let _ = self.append_header(name.clone(), value);
            }
        }
    )*};
}

fields_of_pingora!(RequestHeader, ResponseHeader);
