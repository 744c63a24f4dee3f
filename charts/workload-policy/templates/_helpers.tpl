{{- define "name" -}}
workload-policy
{{- end }}

{{- define "host" -}}
{{ include "name" . }}.{{ .Release.Namespace }}.svc
{{- end }}

{{- define "selector" -}}
app.kubernetes.io/name: {{ include "name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: webhook
{{- end }}

{{- define "labels" -}}
app.kubernetes.io/name: {{ include "name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "metadata" -}}
name: {{ include "name" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "labels" . | nindent 2 }}
{{- end }}

{{- define "clusterMetadata" -}}
name: {{ include "name" . }}
labels:
  {{- include "labels" . | nindent 2 }}
{{- end }}

{{- define "image" -}}
{{- with .Values.image -}}
{{- $name := list .registry .repository | compact | join "/" -}}
{{- if .digest }}{{ $name }}@{{ .digest }}{{ else }}{{ $name }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end }}

{{- define "workloads" -}}
[interactiveworkloads, trainingworkloads, distributedworkloads, inferenceworkloads]
{{- end }}

{{- define "policies" -}}
[interactivepolicies, trainingpolicies, distributedpolicies, inferencepolicies]
{{- end }}

{{- define "podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- /* A webhook's clientConfig; called with the root and the path. No caBundle: the webhook, or cert-manager, writes it,
       and an upgrade of the release must not take it away. */}}
{{- define "clientConfig" -}}
{{- $root := index . 0 }}{{ $path := index . 1 -}}
{{- with $root.Values.webhook.url -}}
url: {{ trimSuffix "/" . }}/{{ $path }}
{{- else -}}
service:
  name: {{ include "name" $root }}
  namespace: {{ $root.Release.Namespace }}
  port: 443
  path: /{{ $path }}
{{- end }}
{{- end }}

{{- define "exemptions" -}}
{{- with .Values.exemptNamespaces -}}
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values: {{ toJson . }}
{{- end }}
{{- end }}

{{- define "rule" -}}
apiGroups: [run.ai]
apiVersions: [v2alpha1]
operations: [CREATE, UPDATE]
scope: Namespaced
{{- end }}

{{- /* Labels and annotations of a hook; called with the root and the event. */}}
{{- define "hook" -}}
labels:
  {{- include "labels" (index . 0) | nindent 2 }}
annotations:
  helm.sh/hook: {{ index . 1 }}
  helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{- /* A pod that runs a script of this chart once; called with the root, the ServiceAccount and the script. */}}
{{- define "scriptPod" -}}
{{- $root := index . 0 -}}
serviceAccountName: {{ index . 1 }}
automountServiceAccountToken: true
enableServiceLinks: false
restartPolicy: Never
securityContext:
  {{- include "podSecurity" $root | nindent 2 }}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $root.Values.nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with $root.Values.tolerations }}
tolerations: {{ toJson . }}
{{- end }}
containers:
  - name: script
    image: {{ include "image" $root }}
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    command: [python, -c]
    args:
      - |
        {{- $root.Files.Get (index . 2) | trim | nindent 8 }}
      - kubernetes.default.svc
      - /var/run/secrets/kubernetes.io/serviceaccount
    resources:
      requests: {cpu: 10m, memory: 32Mi}
      limits: {memory: 64Mi}
    securityContext:
      {{- include "containerSecurity" $root | nindent 6 }}
{{- end }}

{{- define "webhookMetadata" -}}
{{ include "clusterMetadata" . }}
{{- if .Values.certManager.enabled }}
annotations:
  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "name" . }}
{{- end }}
{{- end }}
{{- define "webhookDefaults" -}}
admissionReviewVersions: [v1]
sideEffects: None
matchPolicy: Equivalent
failurePolicy: {{ .Values.webhook.failurePolicy }}
timeoutSeconds: {{ .Values.webhook.timeoutSeconds }}
{{- end }}
