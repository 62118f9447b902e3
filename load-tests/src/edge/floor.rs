//! The floor: what a bare tokio responder costs that does nothing but read, look up and write once.
//!
//! It parses no field, knows no rule, no freshness and no limit: it shows what the machine, the kernel and tokio take for
//! themselves. Its heads are about as long as those of a proxy.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::rc::Rc;

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::catalog::Object;
use super::hot::all_hot;

type Answers = HashMap<Vec<u8>, (Bytes, Bytes)>;

/// Serves the hot objects until the process ends.
pub(crate) fn serve(address: SocketAddr) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async move {
        let answers: Rc<Answers> = Rc::new(all_hot().map(answer).collect());
        let listener = TcpListener::bind(address).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::task::spawn_local(connection(stream, answers.clone()));
        }
    })
}

fn answer(object: Object) -> (Vec<u8>, (Bytes, Bytes)) {
    let mut head =
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\ndate: Tue, 04 Nov 2025 10:00:00 GMT\r\n", object.bytes);
    for (name, value) in object.fields() {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("age: 12\r\nvia: 1.1 floor\r\n\r\n");
    (object.target().into_bytes(), (Bytes::from(head), object.body()))
}

/// Ends with the connection, or with the first request for something else.
async fn connection(mut stream: TcpStream, answers: Rc<Answers>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut buffer = BytesMut::with_capacity(8 << 10);
    loop {
        let end = loop {
            if let Some(end) = memmem::find(&buffer, b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut buffer).await.ok()? == 0 {
                return None;
            }
        };
        let target = buffer.strip_prefix(b"GET ")?;
        let target = &target[..memchr::memchr(b' ', target)?];
        let (head, body) = answers.get(target)?;
        write(&mut stream, head, body).await?;
        buffer.advance(end);
        if buffer.is_empty() {
            buffer.clear();
        }
        buffer.reserve(4 << 10);
    }
}

async fn write(stream: &mut TcpStream, head: &Bytes, body: &Bytes) -> Option<()> {
    let (mut head, mut body) = (&head[..], &body[..]);
    while !head.is_empty() || !body.is_empty() {
        let written = stream.write_vectored(&[IoSlice::new(head), IoSlice::new(body)]).await.ok()?;
        let of_head = written.min(head.len());
        head.advance(of_head);
        body.advance(written - of_head);
    }
    Some(())
}
