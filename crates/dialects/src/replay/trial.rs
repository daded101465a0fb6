//! A dialect that is not in the list: it answers with more than JSON, and takes a body piece by piece.

use chat::{Error, Visit, sessions::Visited};

use super::play;
use crate::{
    Dialect, Paths, Step, Translator,
    rest::{Call, Cookie, Desk, JSON, Matched, Misrouted, Refusal, RestAnswer, Takes},
};

static TRIAL: Translator = Translator {
    name: "trial",
    system: "a trial",
    paths: Paths { sockets: &[], requests: &["/trial/{*rest}"], beside: None },
    route,
    problem: |error, _| Refusal { media_type: JSON, status: error.code.status(), body: format!("{:?}", error.detail) },
    ..Translator::SILENT
};

fn route(method: &str, path: &str) -> Result<Matched, Misrouted> {
    let (path, takes, first): (_, _, fn(Desk) -> Step) = match (method, path) {
        ("POST", "/trial/log-in") => ("/trial/log-in", Takes::Whole, log_in),
        ("PUT", "/trial/file") => ("/trial/file", Takes::Pieces { most: 10 }, |desk| count(0, desk)),
        _ => return Err(Misrouted { error: Error::not_found("path"), allow: Vec::new() }),
    };
    let read = move |_: &crate::rest::Request<'_>| {
        let (desk, pending) = Desk::new();
        Ok(Call { step: first(desk), pending })
    };
    Ok(Matched {
        path,
        needs_speaker: false,
        files_cookie: None,
        linked: None,
        takes,
        always: &[],
        read: Box::new(read),
    })
}

/// A browser is sent on with a cookie, or gets the page that asks it for more.
fn log_in(desk: Desk) -> Step {
    let answer = |visited| match visited {
        Visited::In(tokens) => {
            let value = tokens.access_token.as_str();
            let cookie = Cookie { name: "trial", value, path: "/trial/", lasts: Some(60), secure: true };
            RestAnswer::see_other("/trial/home").with_cookie(&cookie)
        }
        Visited::Challenge(challenge) => {
            RestAnswer::of(401, "text/html; charset=utf-8", format!("<h1>{}</h1>", challenge.asks_for))
        }
    };
    let visit = Visit::LogIn { name: "ann".into(), password: "sesame".into() };
    Step::Visit(visit, Box::new(move |visited| desk.end(visited.map(answer))))
}

fn count(bytes: usize, desk: Desk) -> Step {
    Step::Piece(Box::new(move |piece| match piece {
        Ok(Some(piece)) => count(bytes + piece.len(), desk),
        Ok(None) => desk.end(Ok(RestAnswer::json(200, bytes.to_string()))),
        Err(error) => desk.end(Err(error)),
    }))
}

#[test]
fn what_is_answered_besides_json_and_asked_piece_by_piece_stands_in_a_transcript() {
    let transcript = "\
> POST /trial/log-in
? LogIn \"ann\" \"sesame\"
= {\"tokens\":{\"id\":3,\"name\":\"ann\"}}
< 303 @location:/trial/home @set-cookie:trial=eyJ; Path=/trial/; HttpOnly; SameSite=Lax; Max-Age=60; Secure
> POST /trial/log-in
? LogIn \"ann\" \"sesame\"
= {\"challenge\":\"totp\"}
< 401 text/html; charset=utf-8 <h1>totp</h1>
> PUT /trial/file pieces
? Piece
= {\"piece\":\"abc\"}
? Piece
= {\"piece\":\"de\"}
? Piece
= {\"piece\":null}
< 200 5
> PUT /trial/file pieces
? Piece
= {\"error\":\"too_slow\"}
< 408 \"Because.\"
";
    let dialect = Dialect::of_requests(&TRIAL).expect("it has no sockets");
    assert_eq!(play(dialect, transcript), transcript);
}
