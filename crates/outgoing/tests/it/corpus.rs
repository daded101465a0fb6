//! The forms in which a forbidden address is written, and what becomes of each.

use std::sync::Arc;

use outgoing::{Bounds, Error, HeaderMap, Overlong};

use crate::stubs::{Names, client};

/// Why a form is refused.
#[derive(Debug, PartialEq, Clone, Copy)]
enum Refused {
    Address,
    Url,
    Credentials,
    Scheme,
    Port,
    NoSuchHost,
}
use Refused::*;

fn kind(error: &Error) -> Option<Refused> {
    Some(match error {
        Error::Denied(..) => Address,
        Error::Url => Url,
        Error::Credentials => Credentials,
        Error::Scheme(_) => Scheme,
        Error::Port(_) => Port,
        Error::NoSuchHost => NoSuchHost,
        _ => return None,
    })
}

/// Numbers in the place of a name.
const NUMBERS: &[(&str, Refused)] = &[
    // Loopback, in the ways in which it can be written.
    ("http://127.0.0.1/", Address),
    ("http://127.1/", Address),
    ("http://127.0.1/", Address),
    ("http://127.255.255.254/", Address),
    ("http://2130706433/", Address),
    ("http://0x7f000001/", Address),
    ("http://0x7f.0.0.1/", Address),
    ("http://0x7F.0x0.0x0.0x1/", Address),
    ("http://0177.0.0.1/", Address),
    ("http://0177.0.0.01/", Address),
    ("http://017700000001/", Address),
    ("http://127.0.0.1./", Address),
    ("http://127.0.0.0x1/", Address),
    ("http://127.0x1/", Address),
    ("http://１２７.0.0.1/", Address),
    ("http://①②⑦.⓪.⓪.①/", Address),
    ("http://127。0。0。1/", Address),
    ("http://127.0.0.1%2e/", Address),
    ("http://%31%32%37.0.0.1/", Address),
    ("http:\\\\127.0.0.1\\", Address),
    ("http:/127.0.0.1/", Address),
    ("http:127.0.0.1/", Address),
    ("hTTp://127.0.0.1/", Address),
    (" http://127.0.0.1/ ", Address),
    ("ht\ttp://127.0\n.0.1/", Address),
    ("http://127.0.0.1#@example.org/", Address),
    ("http://127.0.0.1?@example.org/", Address),
    ("http://127.0.0.1\\@example.org/", Address),
    // Everything else of IPv4 that is special.
    ("http://0.0.0.0/", Address),
    ("http://0/", Address),
    ("http://0.1.2.3/", Address),
    ("http://10.0.0.1/", Address),
    ("http://10.255.255.255/", Address),
    ("http://100.64.0.1/", Address),
    ("http://100.100.100.200/latest/meta-data/", Address),
    ("http://168.63.129.16/", Address),
    ("http://169.254.169.254/latest/meta-data/", Address),
    ("http://2852039166/latest/meta-data/", Address),
    ("http://0xa9fea9fe/", Address),
    ("http://169.254.43518/", Address),
    ("http://169.254.170.2/v2/credentials/", Address),
    ("http://172.16.0.1/", Address),
    ("http://172.31.255.255/", Address),
    ("http://192.0.0.192/", Address),
    ("http://192.0.2.1/", Address),
    ("http://192.88.99.1/", Address),
    ("http://192.168.1.1/", Address),
    ("http://198.18.0.1/", Address),
    ("http://198.19.255.255/", Address),
    ("http://198.51.100.7/", Address),
    ("http://203.0.113.7/", Address),
    ("http://224.0.0.1/", Address),
    ("http://239.255.255.250/", Address),
    ("http://240.0.0.1/", Address),
    ("http://255.255.255.255/", Address),
    // IPv6.
    ("http://[::]/", Address),
    ("http://[::1]/", Address),
    ("http://[0:0:0:0:0:0:0:1]/", Address),
    ("http://[::127.0.0.1]/", Address),
    ("http://[::ffff:127.0.0.1]/", Address),
    ("http://[::ffff:7f00:1]/", Address),
    ("http://[::ffff:a9fe:a9fe]/", Address),
    ("http://[::ffff:0:127.0.0.1]/", Address),
    ("http://[::ffff:8.8.8.8]/", Address),
    ("http://[64:ff9b::127.0.0.1]/", Address),
    ("http://[64:ff9b::a9fe:a9fe]/", Address),
    ("http://[64:ff9b:1::10.0.0.1]/", Address),
    ("http://[100::1]/", Address),
    ("http://[2001::1]/", Address),
    ("http://[2001:0:53aa:64c:0:1234:f5ff:fffe]/", Address),
    ("http://[2001:2::1]/", Address),
    ("http://[2001:db8::1]/", Address),
    ("http://[2002:7f00:1::]/", Address),
    ("http://[2002:a9fe:a9fe::1]/", Address),
    ("http://[2606:4700::5efe:10.0.0.1]/", Address),
    ("http://[2606:4700::200:5efe:10.0.0.1]/", Address),
    ("http://[3fff::1]/", Address),
    ("http://[4000::1]/", Address),
    ("http://[5f00::1]/", Address),
    ("http://[fc00::1]/", Address),
    ("http://[fd00:ec2::254]/latest/meta-data/", Address),
    ("http://[fe80::1]/", Address),
    ("http://[fec0::1]/", Address),
    ("http://[ff02::1]/", Address),
    ("http://[fe80::1%25eth0]/", Url),
    ("http://[::1%lo]/", Url),
    // Texts that are no address at all.
    ("http://256.256.256.256/", Url),
    ("http://0x100000000/", Url),
    ("http://1.2.3.4.5/", Url),
    ("http://127.0.0.09/", Url),
];

/// Other things that a URL can be.
const FORMS: &[(&str, Refused)] = &[
    ("", Url),
    ("example.org", Url),
    ("//example.org/", Url),
    ("http://", Url),
    ("http:///", Url),
    ("http://exa mple.org/", Url),
    ("http://exa%00mple.org/", Url),
    ("http://exa%2fmple.org/", Url),
    ("http://xn--/", Url),
    ("http://good.test:99999/", Url),
    ("http://user@good.test/", Credentials),
    ("http://user:password@good.test/", Credentials),
    ("http://:password@good.test/", Credentials),
    ("http://good.test@127.0.0.1/", Credentials),
    ("http://127.0.0.1:80@good.test/", Credentials),
    ("file:///etc/passwd", Scheme),
    ("ftp://good.test/", Scheme),
    ("gopher://127.0.0.1:6379/_INFO", Scheme),
    ("dict://127.0.0.1:11211/stat", Scheme),
    ("data:text/html,hello", Scheme),
    ("javascript:alert(1)", Scheme),
    ("ws://good.test/", Scheme),
    ("blob:https://good.test/1", Scheme),
    ("unix:/var/run/docker.sock", Scheme),
    ("http://good.test:22/", Port),
    ("http://good.test:25/", Port),
    ("http://good.test:6379/", Port),
    ("http://good.test:8080/", Port),
    ("https://good.test:0/", Port),
    ("http://nobody.test/", NoSuchHost),
];

/// Names, and what they resolve to.
const NAMES: &[(&str, &[&str])] = &[
    ("localhost", &["127.0.0.1"]),
    ("localhost.", &["127.0.0.1"]),
    ("sub.localhost", &["::1"]),
    ("router.test", &["192.168.0.1"]),
    ("metadata.test", &["169.254.169.254"]),
    ("metadata6.test", &["fd00:ec2::254"]),
    ("mapped.test", &["::ffff:169.254.169.254"]),
    ("nat64.test", &["64:ff9b::a9fe:a9fe"]),
    ("zero.test", &["0.0.0.0"]),
    // One special address among good ones, in every place.
    ("mixed-first.test", &["127.0.0.1", "93.184.216.34"]),
    ("mixed-last.test", &["93.184.216.34", "127.0.0.1"]),
    ("mixed-six.test", &["93.184.216.34", "2606:2800:220:1::1", "fe80::1"]),
    ("mixed-many.test", &["93.184.216.34", "93.184.216.35", "93.184.216.36", "93.184.216.37", "10.0.0.1"]),
];

fn web() -> Bounds {
    Bounds::web(1_000, Overlong::Cut, &[])
}

async fn refused(url: &str, names: Names, wanted: Refused) {
    let names = Arc::new(names);
    let error = client(&names, &[]).get(url, HeaderMap::new(), &web()).await.expect_err(url);
    assert_eq!(kind(&error), Some(wanted), "{url:?}: {error}");
    let error = client(&names, &[]).post(url, HeaderMap::new(), "x".into(), &web()).await.expect_err(url);
    assert_eq!(kind(&error), Some(wanted), "{url:?}, with a body: {error}");
}

#[tokio::test]
async fn no_number_leads_to_an_address_that_is_not_public() {
    for (url, wanted) in NUMBERS {
        refused(url, Names::default(), *wanted).await;
        // It is known before anybody is asked, so also when an address is given to be asked later.
        let known = client(&Arc::default(), &[]).check(url, &web()).expect_err(url);
        assert_eq!(kind(&known), Some(*wanted), "{url:?}: {known}");
    }
    assert!(NUMBERS.len() + FORMS.len() + NAMES.len() >= 60);
}

#[tokio::test]
async fn no_form_of_url_leads_elsewhere_than_to_the_web() {
    for (url, wanted) in FORMS {
        refused(url, Names::default().with("good.test", &[&["93.184.216.34"]]), *wanted).await;
    }
    let long = format!("https://good.test/{}", "a".repeat(2_048));
    refused(&long, Names::default().with("good.test", &[&["93.184.216.34"]]), Url).await;
}

#[tokio::test]
async fn a_name_with_one_special_address_is_refused() {
    for (name, addresses) in NAMES {
        let names = || Names::default().with(name, &[addresses]);
        refused(&format!("http://{name}/"), names(), Address).await;
        refused(&format!("https://{}/", name.to_uppercase()), names(), Address).await;
    }
    // A name that has no address at all.
    refused("http://empty.test/", Names::default().with("empty.test", &[&[]]), NoSuchHost).await;
}

#[test]
fn addresses_of_the_public_internet_are_not_special() {
    let public = [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "93.184.216.34",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "168.63.129.17",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2003::1",
        "2606:4700:4700::1111",
        "2a00:1450:4001:81b::200e",
        "2620:4f:7fff::1",
        "3ffe::1",
        "3fff:1000::1",
    ];
    for address in public {
        assert_eq!(outgoing::special(address.parse().expect(address)), None, "{address}");
    }
}
