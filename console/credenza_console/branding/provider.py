"""Branding of the provider: what users see wherever an application says nothing else."""

from __future__ import annotations

from dataclasses import asdict

from credenza import Branded, Branding, BrandingEditor, ConsoleVisit, provider

HERE = "/console/branding"


class ProviderBranding(BrandingEditor):
    path = HERE
    permission = "branding"
    level = "provider"
    fields = (*BrandingEditor.fields, "stylesheet")

    async def find(self, visit: ConsoleVisit, **parameters: str) -> Branded:
        return Branded(
            owner="provider",
            address=HERE,
            title="Branding",
            lead="How sign-in pages look, unless an application has its own branding.",
            branding=Branding.load(await provider.find_provider_setting("branding")),
        )

    async def publish(self, visit: ConsoleVisit, branded: Branded, branding: Branding) -> None:
        before = await provider.find_provider_setting("branding")
        after = {name: value for name, value in asdict(branding).items() if value}
        await provider.save_provider_setting("branding", after)
        await visit.changed("provider", "updated", "branding", before=before, after=after)
