"""Templates, without a server."""

import pytest

from mailroom_local.sending.templates import RenderingFailed, render


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("Hi {{name}}, {{ name }} {{{name}}}", "Hi Ann & Bo, Ann & Bo Ann & Bo"),
        ("{{address.city}} {{list.1.n}}", "Rome 2"),
        ("{{#if vip}}yes{{else}}no{{/if}}{{#if missing}}yes{{/if}}", "yes"),
        ("{{#unless vip}}no{{/unless}}", ""),
        ("{{#each list}}{{@index}}={{n}}{{#if @last}}.{{/if}} {{/each}}", "0=1 1=2. "),
        ("{{#each words}}{{this}}{{/each}}{{#each missing}}x{{else}}none{{/each}}", "abnone"),
        ("{{#with address}}{{city}} of {{../name}}{{/with}}", "Rome of Ann & Bo"),
        ("a{{! a comment }}b", "ab"),
        ("{{#* inline 'p'}}<{{name}}>{{/inline}}{{> p}}", "<Ann & Bo>"),
        ("{{amazonSESUnsubscribeUrl}} {{ses:openTracker}}", None),
    ],
)
def test_a_template_is_rendered_as_ses_documents(template: str, expected: str | None) -> None:
    """Nothing is escaped; what SES fills in later stays as it is."""
    data = {
        "name": "Ann & Bo",
        "vip": True,
        "address": {"city": "Rome"},
        "list": [{"n": 1}, {"n": 2}],
        "words": ["a", "b"],
    }
    assert render({"html": template}, data)["html"] == (template if expected is None else expected)


def test_the_error_names_a_missing_attribute() -> None:
    """In the words of AWS's sample event."""
    with pytest.raises(RenderingFailed) as failure:
        render({"text": "Hi {{first}} {{last}}"}, '{"first": "Ann"}')
    assert str(failure.value) == "Attribute 'last' is not present in the rendering data."


@pytest.mark.parametrize("template", ["{{#if a}}", "{{/if}}", "{{> p}}", "{{#shout a}}{{/shout}}"])
def test_a_broken_template_cannot_be_rendered(template: str) -> None:
    """SES reports it."""
    with pytest.raises(RenderingFailed):
        render({"text": template}, {"a": 1})


@pytest.mark.parametrize("data", ["{", "[1]"])
def test_data_that_is_not_an_object_fails(data: str) -> None:
    """The message is not sent half empty."""
    with pytest.raises(RenderingFailed, match="JSON"):
        render({"text": "{{a}}"}, data)
