# The matcher: decides who supplies whom. Built from the root of the checkout:
#   docker build -f deploy/docker/matcher.Dockerfile -t tenon/matcher .
# Holds the matcher's own closure and nothing else: its locked packages, the shared library, itself.
FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements/build.txt requirements/matcher.txt requirements/
RUN python -m venv /opt/tenon \
 && /opt/tenon/bin/pip install --no-cache-dir --require-hashes -r requirements/matcher.txt \
 && python -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt
COPY LICENSE ./
COPY shared shared
COPY services/matcher services/matcher
RUN /opt/build/bin/pip wheel --no-cache-dir --no-build-isolation --no-deps -w /wheels ./shared ./services/matcher \
 && /opt/tenon/bin/pip install --no-cache-dir --no-index --no-deps /wheels/*.whl

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin tenon
COPY --from=build /opt/tenon /opt/tenon
ENV PATH=/opt/tenon/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TENON_HTTP_HOST=0.0.0.0 \
    TENON_HTTP_PORT=8200
USER 10001
EXPOSE 8200
# Alive, not ready: a broker that is away must not get every service restarted.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['TENON_HTTP_PORT'] + '/health/live', timeout=2)"]
ENTRYPOINT ["python", "-m", "matcher"]
