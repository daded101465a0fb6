//! Statistics: how much there is. What can be had without counting is not counted.

use chat::statistics::Stored;

use crate::{Conn, Db, Result, files, jobs, messages, search};

statements! {
    COUNTS = "SELECT (SELECT COUNT(*) FROM users),
                     COALESCE(SUM(CASE WHEN kind = 'room' THEN 1 ELSE 0 END), 0),
                     COALESCE(SUM(CASE WHEN kind = 'group' THEN 1 ELSE 0 END), 0),
                     COALESCE(SUM(CASE WHEN kind = 'direct' THEN 1 ELSE 0 END), 0)
              FROM conversations";
}

/// How much the database holds. Reads every conversation's row: not to be asked for at every moment.
///
/// # Errors
/// Those of the database.
pub async fn kept(db: &Db) -> Result<Stored> {
    let mut conn = db.read().await?;
    let (messages, _) = messages::total(&mut conn).await?;
    let (accounts, rooms, groups, directs) = counts(&mut conn).await?;
    let storage_bytes = db.storage_bytes(&mut conn).await?;
    let (files, file_bytes) = (files::count(&mut conn).await?, files::used(&mut conn).await?);
    let (jobs_waiting, jobs_failed) = jobs::counts(&mut conn).await?;
    drop(conn);
    // The index may be damaged or away; that is no reason to tell nothing.
    let search_behind = search::status(db).await.ok().map(|status| status.changes);
    Ok(Stored {
        accounts,
        rooms,
        groups,
        directs,
        messages,
        messages_sent: 0,
        storage_bytes,
        files,
        file_bytes,
        files_infected: 0,
        jobs_waiting,
        jobs_failed,
        search_behind,
    })
}

async fn counts(conn: &mut Conn) -> Result<(i64, i64, i64, i64)> {
    sql!(conn, fetch_one as (i64, i64, i64, i64), COUNTS)
}
