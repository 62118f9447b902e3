//! What must hold of a response's head before anything of it is used or sent on.
//!
//! Pingora reads the head and the content; it takes some heads that mean another content than it then reads, and hands on what
//! an intermediary may not.

use http::{StatusCode, Version, header};
use pingora::http::ResponseHeader;

/// Most interim (1xx) responses to one attempt.
pub const MAX_INTERIM: usize = 16;

/// Why a head cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// The content is in a form that was not asked for, and that this proxy cannot undo (RFC 9112 §6.1, §7.4).
    #[error("a transfer coding other than chunked")]
    TransferCoding,
    /// 101 to a request that does not ask for it (RFC 9110 §15.2.2).
    #[error("a switch of protocols that nobody asked for")]
    Switch,
}

/// Checks a head and makes it one of this proxy's own messages: of HTTP/1.1 (RFC 9110 §2.5), with one Content-Length where the
/// upstream repeats it (RFC 9110 §8.6), and with no framing where there is no content (RFC 9110 §8.6, RFC 9112 §6.1).
///
/// Lengths that differ were refused by Pingora before. `upgrades` tells whether the request asks for another protocol.
pub fn settle(head: &mut ResponseHeader, upgrades: bool) -> Result<(), HeadError> {
    if head.status == StatusCode::SWITCHING_PROTOCOLS && !upgrades {
        return Err(HeadError::Switch);
    }
    if head.version < Version::HTTP_11 {
        head.set_version(Version::HTTP_11);
    }
    if head.status.is_informational() || head.status == StatusCode::NO_CONTENT {
        head.remove_header(&header::TRANSFER_ENCODING);
        head.remove_header(&header::CONTENT_LENGTH);
        return Ok(());
    }
    let mut codings = head.headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => {}
        (Some(coding), None) if coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked") => {}
        _ => return Err(HeadError::TransferCoding),
    }
    one_length(head);
    Ok(())
}

fn one_length(head: &mut ResponseHeader) {
    let mut lengths = head.headers.get_all(header::CONTENT_LENGTH).iter();
    let Some(first) = lengths.next() else {
        return;
    };
    if lengths.next().is_none() && !first.as_bytes().contains(&b',') {
        return;
    }
    let first = first.to_str().ok().and_then(|list| list.split(',').next()).map(|length| length.trim().to_owned());
    head.remove_header(&header::CONTENT_LENGTH);
    if let Some(first) = first {
        // Digits, since Pingora read it.
        let _ = head.insert_header(header::CONTENT_LENGTH, first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(status: u16, fields: &[(&'static str, &str)]) -> ResponseHeader {
        let mut head = ResponseHeader::build(status, None).unwrap();
        head.set_version(Version::HTTP_10);
        for &(name, value) in fields {
            head.append_header(name, value).unwrap();
        }
        head
    }

    type Fields<'f> = &'f [(&'static str, &'f str)];

    #[test]
    fn heads_become_messages_of_this_proxy() {
        let length = "content-length";
        let coding = "transfer-encoding";
        let cases: [(u16, Fields<'_>, Fields<'_>); 9] = [
            (200, &[], &[]),
            (200, &[(length, "5")], &[(length, "5")]),
            // RFC 9110 §8.6
            (200, &[(length, "5"), (length, "5")], &[(length, "5")]),
            (200, &[(length, "5 , 5")], &[(length, "5")]),
            (200, &[(coding, " Chunked")], &[(coding, " Chunked")]),
            (304, &[(length, "5")], &[(length, "5")]),
            // RFC 9110 §8.6, RFC 9112 §6.1
            (204, &[(length, "5")], &[]),
            (204, &[(coding, "gzip")], &[]),
            (103, &[(coding, "chunked"), (length, "5")], &[]),
        ];
        for (status, given, settled) in cases {
            let mut head = head(status, given);
            assert_eq!(settle(&mut head, false), Ok(()), "{given:?}");
            let fields: Vec<_> =
                head.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
            assert_eq!((fields.as_slice(), head.version), (settled, Version::HTTP_11), "{given:?}");
        }
    }

    #[test]
    fn what_was_not_asked_for_is_refused() {
        // RFC 9112 §6.1, §7.4
        for codings in
            [&["gzip"][..], &["gzip, chunked"], &["chunked, gzip"], &["chunked", "chunked"], &[""], &["identity"]]
        {
            let fields: Vec<_> = codings.iter().map(|coding| ("transfer-encoding", *coding)).collect();
            assert_eq!(settle(&mut head(200, &fields), false), Err(HeadError::TransferCoding), "{codings:?}");
        }
        // RFC 9110 §15.2.2
        assert_eq!(settle(&mut head(101, &[]), false), Err(HeadError::Switch));
        assert_eq!(settle(&mut head(101, &[]), true), Ok(()));
    }
}
