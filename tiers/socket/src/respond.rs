//! Replies as lines of JSON-RPC 2.0.

use faramesh_call::json::write_string;
use faramesh_gate::{PollStatus, Reply};
use faramesh_wire::write_poll;

use crate::request::Id;

/// The codes of JSON-RPC that are used here.
pub(crate) const PARSE_ERROR: i32 = -32_700;
pub(crate) const INVALID_REQUEST: i32 = -32_600;
pub(crate) const METHOD_NOT_FOUND: i32 = -32_601;
pub(crate) const INVALID_PARAMS: i32 = -32_602;

fn line(id: &Id, member: &str, write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    id.write(&mut out);
    out.push(b',');
    write_string(member, &mut out);
    out.push(b':');
    write(&mut out);
    out.extend_from_slice(b"}\n");
    out
}

/// The reply to `govern`.
pub(crate) fn reply(id: &Id, reply: &Reply, legacy: bool) -> Vec<u8> {
    line(id, "result", |out| reply.write_json(legacy, out))
}

/// An empty result.
pub(crate) fn done(id: &Id) -> Vec<u8> {
    line(id, "result", |out| out.extend_from_slice(b"{}"))
}

/// The reply to `poll_defer`.
pub(crate) fn poll(id: &Id, token: &str, status: &PollStatus) -> Vec<u8> {
    line(id, "result", |out| write_poll(token, status, out))
}

/// The reply to a bare poll of a published 0.3 client, which is no JSON-RPC.
pub(crate) fn bare_poll(token: &str, status: &PollStatus) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    write_poll(token, status, &mut out);
    out.push(b'\n');
    out
}

/// An error.
pub(crate) fn error(id: &Id, code: i32, message: &str) -> Vec<u8> {
    line(id, "error", |out| {
        out.extend_from_slice(format!("{{\"code\":{code},\"message\":").as_bytes());
        write_string(message, out);
        out.push(b'}');
    })
}
