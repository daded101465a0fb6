//! Identities: who an account is in another system, and how a database from before is brought up.

use chat::{AccountFact, Number, UserId, accounts::Profile, identities::Identity};
use store::{
    Unit,
    identities::{Known, NewIdentity, Squatted},
};

use super::{Db, ServerRole, databases, options, schema::later_version, unmigrated_urls, writer};

fn of(issuer: &str, subject: &str) -> Identity {
    Identity { issuer: issuer.into(), subject: subject.into() }
}

async fn account(unit: &mut Unit, username: &str) -> chat::Result<UserId> {
    let new = store::accounts::NewAccount {
        id: None,
        username,
        email: None,
        password_hash: None,
        role: ServerRole::User,
        profile: &Profile::default(),
    };
    Ok(store::accounts::create(&mut unit.conn, &new, unit.now).await?)
}

async fn who(db: &Db, identity: &Identity) -> Option<Known> {
    let found = store::identities::by_subjects(&mut db.read().await.unwrap(), std::slice::from_ref(identity)).await;
    found.unwrap().remove(identity)
}

#[tokio::test]
async fn an_identity_is_one_accounts_and_an_account_has_one_for_each_issuer() {
    for db in databases().await {
        let (writer, _told) = writer(&db);
        let add = async |identity: Identity, user: UserId, named_by: Option<UserId>| {
            let added = writer.change(&[], None, move |unit| {
                Box::pin(async move {
                    let new = NewIdentity { identity: &identity, user, named_by };
                    Ok(store::identities::add(&mut unit.conn, &new, unit.now).await?)
                })
            });
            added.await
        };
        let made = writer.change(&[], None, |unit| {
            Box::pin(async move { Ok((account(unit, "ann").await?, account(unit, "bob").await?)) })
        });
        let (ann, bob) = made.await.unwrap();
        add(of("default", "7"), ann, None).await.unwrap();
        add(of("school", "7"), bob, Some(ann)).await.unwrap();
        add(of("school", "8"), ann, None).await.unwrap();
        for (identity, user) in [(of("default", "7"), bob), (of("default", "9"), ann)] {
            assert!(add(identity.clone(), user, None).await.is_err(), "{identity:?}");
        }
        let found = async |issuer: &str, subject: &str| {
            who(&db, &of(issuer, subject)).await.map(|known| (known.account.id, known.awaited))
        };
        // With the account is how far it had come, so that a greeting need not read it once more.
        let scopes = [ann.into()];
        let came = writer.change(&scopes, None, move |unit| {
            Box::pin(async move {
                let number = unit.next_number_of(ann).await?;
                unit.record_of(ann, number, AccountFact::UserGroupsChanged(Vec::new())).await?;
                Ok(number)
            })
        });
        let head = came.await.unwrap();
        assert_eq!(who(&db, &of("default", "7")).await.map(|known| known.account_head), Some(head));
        assert_eq!(who(&db, &of("school", "7")).await.map(|known| known.account_head), Some(Number(0)));
        assert_eq!(found("default", "7").await, Some((ann, false)));
        assert_eq!(found("school", "7").await, Some((bob, true)));
        for nobody in [("default", "8"), ("school", "07"), ("School", "7"), ("", "7")] {
            assert_eq!(found(nobody.0, nobody.1).await, None, "{nobody:?}");
        }
        let mut conn = db.read().await.unwrap();
        let subjects = store::identities::of_users(&mut conn, "school", &[ann, bob, UserId(99)]).await.unwrap();
        assert_eq!(
            subjects.into_iter().collect::<std::collections::BTreeMap<_, _>>().into_values().collect::<Vec<_>>(),
            ["8", "7"]
        );
        assert_eq!(store::identities::named_since(&mut conn, ann, chat::Millis(0)).await.unwrap(), 1);
        assert_eq!(store::identities::named_since(&mut conn, ann, chat::Millis(i64::MAX / 2)).await.unwrap(), 0);
        assert!(store::identities::are_there(&mut conn, "school").await.unwrap());
        assert!(!store::identities::are_there(&mut conn, "elsewhere").await.unwrap());
        drop(conn);
        let come = async || {
            let come = writer.change(&[], None, |unit| {
                Box::pin(async move { Ok(store::identities::has_come(&mut unit.conn, &of("school", "7")).await?) })
            });
            come.await.unwrap()
        };
        assert_eq!((come().await, come().await), (true, false));
        assert_eq!(found("school", "7").await, Some((bob, false)));
    }
}

/// The last migration of the version before.
const BEFORE_IDENTITIES: i64 = 11;

/// The rows that a program of the version before has left: an administrator of our own under 1, alice of the host under
/// 3, a stranger under 2, and bob, the host's 2, under 4; and somebody whom the host calls by a word.
const BEFORE: &str = "
    INSERT INTO users (id, username, username_key, external_id, role, created_at) VALUES
        (1, 'root', 'root', NULL, 'admin', 10), (2, 'stranger', 'stranger', NULL, 'user', 20),
        (3, 'alice', 'alice', '3', 'user', 30), (4, 'bob', 'bob', '2', 'user', 40), (5, 'eve', 'eve', 'e-v-e', 'user', 50);
    UPDATE counters SET value = 5 WHERE name = 'user';";

/// And goes on to do, beside a program of this version.
const BESIDE: &str = "
    INSERT INTO users (id, username, username_key, external_id, role, created_at) VALUES
        (9, 'late', 'late', '9', 'user', 60);";

#[tokio::test]
async fn a_database_from_before_keeps_its_people_and_tells_whose_numbers_were_taken() {
    for url in unmigrated_urls().await {
        let db = Db::open(&options(&url)).await.unwrap();
        db.migrate_to(BEFORE_IDENTITIES).await.unwrap();
        later_version(&url, BEFORE).await;
        db.migrate().await.unwrap();
        let found = async |subject: &str| {
            who(&db, &of("default", subject)).await.map(|known| (known.account.id.0, known.awaited, known.unnoted))
        };
        assert_eq!(found("3").await, Some((3, false, false)));
        assert_eq!(found("2").await, Some((4, false, false)));
        assert_eq!(found("e-v-e").await, Some((5, false, false)));
        assert_eq!(found("1").await, None, "the administrator's id is nobody's number");
        let squatted = store::identities::squatted(&mut db.read().await.unwrap(), 10).await.unwrap();
        let told = |one: &Squatted| (one.subject.clone(), one.username.clone(), one.meant);
        let told: Vec<_> = squatted.iter().map(told).collect();
        let expected = [("2", "stranger", Some(4)), ("1", "root", None), ("4", "bob", None), ("5", "eve", None)];
        assert_eq!(told, expected.map(|(number, name, meant)| (number.to_owned(), name.to_owned(), meant)));
        // A program of the version before that still runs makes accounts in its way.
        later_version(&url, BESIDE).await;
        assert_eq!(found("9").await, Some((9, false, true)));
    }
}

#[tokio::test]
async fn where_no_host_ever_was_no_number_was_anybody_elses() {
    for url in unmigrated_urls().await {
        let db = Db::open(&options(&url)).await.unwrap();
        db.migrate_to(BEFORE_IDENTITIES).await.unwrap();
        later_version(
            &url,
            "INSERT INTO users (id, username, username_key, role, created_at) VALUES (1, 'root', 'root', 'admin', 10);",
        )
        .await;
        db.migrate().await.unwrap();
        let squatted = store::identities::squatted(&mut db.read().await.unwrap(), 10).await.unwrap();
        assert_eq!(squatted, []);
    }
}
