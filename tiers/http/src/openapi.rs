//! The document of the API, made from the table of routes.

use std::net::SocketAddr;

use faramesh_call::{Code, Object, Value, json, object};

use crate::routes::{ROUTES, Route};

/// The OpenAPI document of a door that listens at `address`.
#[must_use]
pub fn document(address: SocketAddr, is_tls: bool) -> String {
    let mut paths = Object::new();
    for (method, path, route, summary) in ROUTES {
        paths.insert(*path, object! { method.to_ascii_lowercase() => operation(*route, summary) });
    }
    let scheme = if is_tls { "https" } else { "http" };
    let document = object! {
        "openapi" => "3.1.0",
        "info" => object! {
            "title" => "Faramesh",
            "version" => env!("CARGO_PKG_VERSION"),
            "description" => "Decides calls of agents before they run. 200 is the only answer to a call that lets it run.",
            "license" => object! { "name" => "Apache-2.0", "identifier" => "Apache-2.0" },
        },
        "servers" => [Value::from(object! { "url" => format!("{scheme}://{address}") })].into_iter().collect::<Value>(),
        "security" => list(&[object! { "bearer" => Value::List(Vec::new()) }, object! { "certificate" => Value::List(Vec::new()) }]),
        "paths" => paths,
        "components" => object! { "securitySchemes" => schemes(), "schemas" => schemas() },
    };
    String::from_utf8(json::canonical(&Value::Object(document))).unwrap_or_default()
}

fn list(members: &[Object]) -> Value {
    Value::List(members.iter().cloned().map(Value::from).collect())
}

fn schemes() -> Object {
    object! {
        "bearer" => object! { "type" => "http", "scheme" => "bearer" },
        "certificate" => object! { "type" => "mutualTLS" },
    }
}

fn schema(name: &str) -> Object {
    object! { "$ref" => format!("#/components/schemas/{name}") }
}

fn content(name: &str) -> Object {
    object! { "application/json" => object! { "schema" => schema(name) } }
}

fn response(description: &str, name: &str) -> Object {
    object! { "description" => description, "content" => content(name) }
}

fn operation(route: Route, summary: &str) -> Object {
    let mut operation = object! { "summary" => summary };
    let refused = |responses: &mut Object| {
        responses.insert("400", response("the request means nothing", "Denial"));
        responses.insert("401", response("who calls is not known", "Denial"));
        responses.insert("503", response("the daemon cannot record, so nothing is permitted", "Denial"));
    };
    let mut responses = Object::new();
    match route {
        Route::Asks(method) => {
            let body = body_of(method);
            operation.insert("requestBody", object! { "required" => true, "content" => content(body) });
            if method.decides() {
                responses.insert("200", response("the call may run", "Permit"));
                responses.insert("202", response("a person has to answer first", "Denial"));
                responses.insert("403", response("the call may not run", "Denial"));
            } else {
                responses.insert("200", response("it counts", "Empty"));
            }
            refused(&mut responses);
        }
        Route::Approval => {
            let parameter = |name: &str, place: &str, required: bool, kind: &str| {
                object! { "name" => name, "in" => place, "required" => required, "schema" => object! { "type" => kind } }
            };
            let parameters =
                [parameter("id", "path", true, "string"), parameter("wait", "query", false, "integer")];
            operation.insert("parameters", list(&parameters));
            responses.insert("200", response("how it stands", "Approval"));
            responses.insert("404", response("there is no such call of this caller", "Approval"));
            responses.insert("401", response("who calls is not known", "Denial"));
        }
        Route::Health | Route::Ready => {
            operation.insert("security", Value::List(Vec::new()));
            responses.insert("200", response("yes", "State"));
            responses.insert("503", response("no", "State"));
        }
        Route::Metrics | Route::Document => {
            responses.insert("200", object! { "description" => summary });
            responses.insert("401", response("who calls is not known", "Denial"));
        }
    }
    operation.insert("responses", responses);
    operation
}

fn body_of(method: faramesh_wire::Method) -> &'static str {
    use faramesh_wire::Method;
    match method {
        Method::Outcome => "Outcome",
        Method::Revoke => "Revoke",
        Method::Purpose => "Purpose",
        Method::Phase => "Phase",
        Method::Complete => "Complete",
        Method::Spawn => "Spawn",
        Method::Delegate => "Delegate",
        Method::Govern | Method::Poll | Method::BarePoll => "Call",
    }
}

/// An object with members; those in `required` have to be there.
fn shape(required: &[&str], members: Object, closed: bool) -> Object {
    let mut shape = object! { "type" => "object", "properties" => members };
    if !required.is_empty() {
        shape.insert("required", required.iter().copied().collect::<Value>());
    }
    if closed {
        shape.insert("additionalProperties", false);
    }
    shape
}

fn text() -> Object {
    object! { "type" => "string" }
}

fn number() -> Object {
    object! { "type" => "integer", "minimum" => 0_i64 }
}

/// Members that every request may have.
fn request(members: Object) -> Object {
    let mut all =
        object! { "agent" => text(), "session" => text(), "call_id" => text(), "request_id" => text() };
    members.into_iter().for_each(|(key, member)| {
        all.insert(key, member);
    });
    all
}

fn schemas() -> Object {
    let any = Object::new;
    let map = || object! { "type" => "object" };
    let codes: Value = Code::ALL.iter().map(|code| code.as_str()).collect();
    object! {
        "Call" => shape(&["tool"], request(object! {
            "tool" => text(), "args" => any(), "action" => text(), "model" => text(), "principal" => any(),
            "tags" => map(), "http" => map(), "parent" => text(), "delegation" => text(),
        }), true),
        "Outcome" => shape(&["action_id", "status"], object! {
            "agent" => text(), "action_id" => text(),
            "status" => object! { "enum" => ["ok", "error", "timeout"].into_iter().collect::<Value>() },
            "duration_ms" => number(), "cost" => any(), "usage" => any(), "error" => text(),
        }, true),
        "Complete" => shape(&[], request(object! { "task" => any() }), true),
        "Spawn" => shape(&["starts"], request(object! { "starts" => text(), "delegation" => text() }), true),
        "Delegate" => shape(&["to"], request(object! {
            "to" => text(), "scope" => any(), "ttl_seconds" => number(), "delegation" => text(),
        }), true),
        "Revoke" => shape(&["delegation"], object! { "agent" => text(), "delegation" => text() }, true),
        "Purpose" => shape(&["purpose"], object! { "agent" => text(), "session" => text(), "purpose" => text() }, true),
        "Phase" => shape(&["phase"], object! { "agent" => text(), "session" => text(), "phase" => text() }, true),
        "Permit" => shape(&["effect", "action_id", "policy_version", "warnings"], object! {
            "effect" => object! { "const" => "PERMIT" }, "action_id" => text(), "call_id" => text(),
            "policy_version" => text(), "enforced" => object! { "type" => "boolean" },
            "warnings" => object! { "type" => "array", "items" => map() },
            "delegation" => text(), "expires_at" => text(),
        }, false),
        "Denial" => shape(&["effect", "code", "human_message", "resolution", "retryable"], object! {
            "effect" => object! { "enum" => ["DENY", "DEFER"].into_iter().collect::<Value>() },
            "code" => object! { "enum" => codes }, "human_message" => text(), "rule_ref" => text(), "rule_id" => text(),
            "action_id" => text(), "call_id" => text(), "policy_version" => text(),
            "resolution" => shape(&["type"], object! { "type" => text() }, false),
            "retryable" => object! { "type" => "boolean" }, "next" => text(), "approval_id" => text(),
            "defer_token" => text(),
        }, false),
        "Approval" => shape(&["defer_token", "status"], object! {
            "defer_token" => text(), "reason" => text(),
            "status" => object! {
                "enum" => ["pending", "approved", "denied", "expired", "unknown"].into_iter().collect::<Value>()
            },
        }, false),
        "State" => shape(&["state"], object! { "state" => text() }, false),
        "Empty" => object! { "type" => "object" },
    }
}
