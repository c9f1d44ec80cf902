"""The page that shows the interface, without a request to anybody else: its script comes from a package."""

from importlib.resources import files

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

_ASSETS = "/docs/assets"


def add_docs(app: FastAPI) -> None:
    """Serve the description at /docs; the document itself is at /openapi.json."""
    folder = str(files("fastapi_swagger") / "resources")
    app.mount(_ASSETS, StaticFiles(directory=folder), name="docs-assets")
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=app.title,
        swagger_js_url=f"{_ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{_ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{_ASSETS}/favicon-32x32.png",
        swagger_ui_parameters={"defaultModelsExpandDepth": 0, "tryItOutEnabled": True, "validatorUrl": None},
    )

    async def docs() -> HTMLResponse:
        return page

    app.get("/docs", include_in_schema=False)(docs)
