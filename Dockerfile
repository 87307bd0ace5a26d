# One image for all services: docker run banggia publish | ingest | simulate, options may follow.
# Both stages need the same base: the environment of the first belongs to the interpreter of the second.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS dependencies
COPY requirements.lock /build/
# Finished, hash-pinned packages only, so no compiler is needed. The base's pip serves the environment, which gets
# none of its own. What only type checkers, tests and compilers read is left out.
# Bytecode is made once, here, since the root file system is read-only later; it is never compared with the sources.
RUN python -m venv --without-pip /venv \
 && pip --python /venv/bin/python --no-cache-dir --disable-pip-version-check install \
      --quiet --no-compile --no-deps --require-hashes --only-binary :all: -r /build/requirements.lock \
 && find /venv -depth '(' -type d -name tests -o -type f '(' \
      -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' ')' ')' -exec rm -rf '{}' + \
 && /venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /venv/lib

FROM dependencies AS code
WORKDIR /app
COPY LICENSE deploy/command.py deploy/health.py ./
COPY shared shared
COPY ssi_simulator ssi_simulator
COPY ingest_service ingest_service
COPY publisher_service publisher_service
# A checkout may be readable by its owner only; the user below is another.
RUN chmod -R a+rX,go-w . \
 && /venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash .

FROM ${PYTHON_IMAGE}
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 \
    METRICS_HOST=0.0.0.0 \
    CACHE_DIR=/tmp/cache
WORKDIR /app
COPY --from=dependencies /venv /venv
COPY --from=code /app /app
# By number, so that an orchestrator can see that it is not root. It owns nothing; only /tmp is written to.
USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["python", "/app/command.py"]

# Last, because they change with every build.
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="banggia" \
      org.opencontainers.image.description="Live price board of the Vietnamese stock market over websockets" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
