# The image of the webhook and of the command line: `docker build -t workload-policy:0.1.0 .`
# The digest of the base is the builder's to give: --build-arg PYTHON_DIGEST=sha256:… pins it beyond its tag.
ARG PYTHON_TAG=3.11.14-slim-bookworm
ARG PYTHON_DIGEST=""

FROM python:${PYTHON_TAG}${PYTHON_DIGEST:+@}${PYTHON_DIGEST} AS build
WORKDIR /source
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements.txt requirements-runtime.txt ./
# What runs, by hash, into an environment without pip; and what builds our wheel, from the lock of the developers.
RUN python -m venv --without-pip /opt/workload-policy \
    && pip --python /opt/workload-policy/bin/python install --no-deps --require-hashes --only-binary :all: \
        -r requirements-runtime.txt \
    && sed -n '/^setuptools==/,/^    # via/p' requirements.txt > requirements-build.txt \
    && pip install --no-deps --require-hashes -r requirements-build.txt
COPY pyproject.toml README.md ./
COPY policies policies
COPY workloads workloads
COPY certs certs
COPY webhook webhook
COPY workload_policy workload_policy
RUN pip wheel --no-deps --no-build-isolation --wheel-dir wheels . \
    && pip --python /opt/workload-policy/bin/python install --no-deps --no-index wheels/*.whl

FROM python:${PYTHON_TAG}${PYTHON_DIGEST:+@}${PYTHON_DIGEST}
RUN pip uninstall --yes --root-user-action=ignore pip setuptools wheel
COPY --from=build /opt/workload-policy /opt/workload-policy
ENV PATH=/opt/workload-policy/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
EXPOSE 8443 8080
ENTRYPOINT ["workload-policy"]
CMD ["--help"]
