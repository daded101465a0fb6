//! The people who talk, and their conversations.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use testkit::{
    api::Api,
    talker::{Charge, Person},
};

const PASSWORD: &str = "a long talk under a tree";
/// Two who send files, one who reads them, and one who may not.
const CARRIERS: usize = 4;
/// Those who send links at most.
const LINKERS: usize = 3;

/// A conversation with its head at the beginning.
#[derive(Debug)]
pub struct Place {
    /// Its id.
    pub id: i64,
    /// The number of its last change before anybody talked.
    pub base: i64,
    /// The members, by index; the first is the owner.
    pub members: Vec<usize>,
    /// Whether anybody can join.
    pub public: bool,
    /// Whether it is a direct conversation.
    pub direct: bool,
}

/// People and conversations.
#[derive(Debug)]
pub struct Town {
    /// The people who talk.
    pub people: Vec<Person>,
    /// People who are not a member of anything.
    pub strangers: Vec<Person>,
    /// People who carry files, with rooms of their own, and at last one who may read none of them.
    pub carriers: Vec<Person>,
    /// People who send links, each in a room of their own.
    pub linkers: Vec<Person>,
    /// The conversations; the first is the busiest, with everybody in it.
    pub places: Vec<Place>,
}

impl Town {
    /// Creates the accounts and six conversations: a room for all, three public rooms, a private one, and a direct
    /// conversation.
    ///
    /// # Errors
    /// If the server refuses something.
    pub async fn settle(api: &Api, people: usize, strangers: usize) -> Result<Self> {
        let mut town = Self {
            people: Vec::new(),
            strangers: Vec::new(),
            carriers: Vec::new(),
            linkers: Vec::new(),
            places: Vec::new(),
        };
        for index in 0..CARRIERS {
            town.carriers.push(register(api, &format!("carrier{index}")).await?);
        }
        for index in 0..LINKERS {
            town.linkers.push(register(api, &format!("linker{index}")).await?);
        }
        for index in 0..people.max(4) {
            town.people.push(register(api, &format!("talker{index}")).await?);
        }
        for index in 0..strangers {
            town.strangers.push(register(api, &format!("stranger{index}")).await?);
        }
        let everybody: Vec<usize> = (0..town.people.len()).collect();
        town.open(api, "square", true, everybody.clone()).await?;
        for (name, offset) in [("market", 0), ("harbour", 1), ("library", 2)] {
            let members = everybody.iter().copied().filter(|index| (index + offset) % 3 != 0).collect();
            town.open(api, name, true, members).await?;
        }
        let few = everybody.iter().copied().filter(|index| index % 3 == 1 || *index < 3).collect();
        town.open(api, "chamber", false, few).await?;
        let [first, second, ..] = town.people.as_slice() else { return Ok(town) };
        let made = api.post(&first.token, "conversations", &json!({"kind": "direct", "user": second.id})).await?;
        let id = made["id"].as_i64().context("a conversation without an id")?;
        town.places.push(Place { id, base: 0, members: vec![0, 1], public: false, direct: true });
        for index in 0..town.places.len() {
            let Some(place) = town.places.get(index) else { continue };
            let owner = place.members.first().and_then(|owner| town.people.get(*owner));
            let owner = owner.context("a conversation without an owner")?;
            let listed = api.get(&owner.token, &format!("conversations/{}", place.id)).await?;
            let head = listed["head"].as_i64().context("a conversation without a head")?;
            if let Some(place) = town.places.get_mut(index) {
                place.base = head;
            }
        }
        Ok(town)
    }

    async fn open(&mut self, api: &Api, name: &str, public: bool, members: Vec<usize>) -> Result<()> {
        let people: Vec<&Person> = members.iter().filter_map(|index| self.people.get(*index)).collect();
        let (owner, others) = people.split_first().context("a room for nobody")?;
        let visibility = if public { "public" } else { "private" };
        let room = json!({"kind": "room", "name": name, "visibility": visibility, "client_id": name});
        let made = api.post(&owner.token, "conversations", &room).await?;
        let id = made["id"].as_i64().context("a conversation without an id")?;
        for person in others {
            if public {
                api.post(&person.token, &format!("conversations/{id}/join"), &Value::Null).await?;
            } else {
                let whom = json!({"user": person.id});
                api.post(&owner.token, &format!("conversations/{id}/members"), &whom).await?;
            }
        }
        self.places.push(Place { id, base: 0, members, public, direct: false });
        Ok(())
    }

    /// The conversations that somebody talks in.
    #[must_use]
    pub fn places_of(&self, person: usize) -> Vec<i64> {
        self.places.iter().filter(|place| place.members.contains(&person)).map(|place| place.id).collect()
    }

    /// The memberships that somebody changes. In each room the owner removes the last member and adds them again; in
    /// public rooms the second last member leaves and joins. No two people change the same membership.
    #[must_use]
    pub fn charges_of(&self, person: usize) -> Vec<Charge> {
        let mut charges = Vec::new();
        for place in self.places.iter().filter(|place| !place.direct) {
            let [owner, .., wanderer, guest] = place.members.as_slice() else { continue };
            let guest = self.people.get(*guest).map(|guest| guest.id).unwrap_or_default();
            if *owner == person {
                charges.push(Charge::of(place.id, guest));
            }
            if place.public && *wanderer == person && wanderer != owner {
                charges.extend(self.people.get(person).map(|own| Charge::of(place.id, own.id)));
            }
        }
        charges
    }
}

async fn register(api: &Api, name: &str) -> Result<Person> {
    let tokens = api.post("", "accounts", &json!({"username": name, "password": PASSWORD})).await?;
    let id = tokens["user"]["id"].as_i64().context("an account without an id")?;
    let token = tokens["access_token"].as_str().context("an account without a token")?.to_owned();
    Ok(Person { name: name.to_owned(), id, token })
}
