"""The forms of possible duplicates and of personal data, on both databases."""

from tests.support.oauth import Browser
from tests.support.world import LIST, World

PERSON = {"first_name": "Arda", "last_name": "Şen", "date_of_birth": "1990-11-01"}


def test_a_form_merges_with_the_chosen_values_unless_somebody_has_changed_a_customer(empty_world: World) -> None:
    kept = empty_world.create(**PERSON, gender="male", address="Eski Sokak")
    other = empty_world.create(**PERSON, job="Mimar", address="Yeni Sokak")
    browser = Browser.signed_in(empty_world, empty_world.bob)
    page = browser.get("/duplicates")
    assert "similar name, same date of birth" in page.text
    chosen = {"do": "merge", "keep": str(kept), "address": str(other)}
    empty_world.send("PATCH", f"{LIST}/{other}", {"job": "Doktor"})
    assert browser.submit(page, "/duplicates", **chosen).status_code == 412
    assert empty_world.get(f"{LIST}/{other}").status_code == 200
    assert browser.submit(page, "/duplicates", **(chosen | {"keep": "9"})).status_code == 409
    assert browser.submit(browser.get("/duplicates"), "/duplicates", **chosen).status_code == 303
    merged = empty_world.get(f"{LIST}/{kept}").json["data"]
    assert (merged["job"], merged["address"], merged["gender"]) == ("Doktor", "Yeni Sokak", "male")
    assert "The customers were merged." in browser.get("/duplicates").text


def test_the_pages_of_another_business_do_not_exist(empty_world: World) -> None:
    foreign = [empty_world.add(empty_world.salon, first_name="Geneviève", job="Médecin") for _ in range(3)][-1]
    own = empty_world.create(**PERSON)
    browser = Browser.signed_in(empty_world, empty_world.alice)
    for path in (f"/customers/{foreign}/personal-data", f"/trash/{foreign}", f"/duplicates?customer_id={foreign}"):
        assert browser.get(path).status_code == 404
    page = browser.get(f"/customers/{own}/personal-data")
    assert browser.submit(page, f"/customers/{foreign}/personal-data", name="Geneviève").status_code == 404
    assert browser.submit(page, "/duplicates", pair=f"{own}-{foreign}", do="dismiss").status_code == 404


def test_erased_data_is_gone_and_the_history_says_so(empty_world: World) -> None:
    customer = empty_world.create(**PERSON, phone_number="0532 111 22 33")
    browser = Browser.signed_in(empty_world, empty_world.alice)
    path = f"/customers/{customer}/personal-data"
    page = browser.get(path)
    assert "1 Nov 1990" in page.text
    assert browser.submit(page, path, name="Arda").status_code == 422
    assert browser.submit(page, path, name=" arda ŞEN").status_code == 303
    assert "Alice" in browser.get(path).text
    assert browser.get(path + ".json").status_code == 404
    assert Browser.signed_in(empty_world, empty_world.bob).get(path).status_code == 403
